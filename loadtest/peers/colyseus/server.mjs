// One process of the peer: a Colyseus room for each game, which is in this process only; Redis has the list of rooms and what
// processes say to each other. Its settings are in README.md.

import { matchMaker, Room, Server } from '@colyseus/core';
import { RedisDriver } from '@colyseus/redis-driver';
import { RedisPresence } from '@colyseus/redis-presence';
import { WebSocketTransport } from '@colyseus/ws-transport';
import { Chess } from 'chess.js';
import express from 'express';
import jwt from 'jsonwebtoken';

import { flag, guest, terms, userOf } from '../entrance.mjs';
import { begin, deadline, flag as flagged, play, Refusal, snapshot } from '../rules.mjs';

/** How long a game waits for the first who joins, and a seat for who reserved it, in seconds. */
const PATIENCE = 300;

/** The longest time that a timer can have, in ms. */
const MAX_TIMER = 2 ** 31 - 1;

class GameRoom extends Room {
  seatReservationTimeout = PATIENCE;
  // What there is to tell is told when it happens: there is no state to be compared at intervals.
  patchRate = null;

  static async onAuth(token) {
    return { user: token ? userOf(jwt, token) : null };
  }

  onCreate(options) {
    this.game = begin({ id: this.roomId, ...options }, Date.now());
    this.position = new Chess();
    this.onMessage('watch', (client, msg) => client.send('game', snapshot(this.game, msg.id)));
    this.onMessage('move', (client, msg) => this.move(client, msg, Date.now()));
  }

  move(client, msg, now) {
    try {
      const made = play(() => this.position, this.game, client.auth.user, msg, now);
      this.tell(made);
      client.send('ok', { t: 'ok', re: msg.id, v: made.next.v });
    } catch (error) {
      const code = error instanceof Refusal ? error.code : 'unavailable';
      client.send('error', { t: 'error', re: msg.id, code, message: error.message });
    }
  }

  tell({ next, frames }) {
    this.game = next;
    for (const frame of frames) this.broadcast(frame.t, frame);
    this.watchClock();
  }

  /** Calls the flag of who has no time left. */
  watchClock() {
    clearTimeout(this.timer);
    const left = deadline(this.game) - Date.now();
    if (left > MAX_TIMER) return;
    this.timer = setTimeout(() => {
      if (Date.now() >= deadline(this.game)) this.tell(flagged(this.game));
    }, Math.max(0, left));
  }

  onDispose() {
    clearTimeout(this.timer);
  }
}

const redis = flag('--redis-url');
const listen = flag('--listen');
const [host, port] = listen.split(':');

const server = new Server({
  greet: false,
  presence: new RedisPresence(redis),
  driver: new RedisDriver(redis),
  publicAddress: listen,
  transport: new WebSocketTransport({ pingInterval: 5_000, pingMaxRetries: 2, maxPayload: 4096 }),
  express(app) {
    app.use(['/guests', '/games'], express.json({ limit: 4096 }));
    app.post('/guests', (_, response) => response.json(guest(jwt)));
    app.post('/games', async (request, response) => {
      const room = await matchMaker.createRoom('game', terms(jwt, request.body));
      response.json({ game: room.roomId });
    });
  },
});
server.define('game', GameRoom);
await server.listen(Number(port), host, 4096);
console.log(`listening on http://${listen}`);
