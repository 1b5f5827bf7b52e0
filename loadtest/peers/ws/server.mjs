// One process of the peer: sockets with `ws`, games in Redis hashes, moves by compare-and-set, told by Redis' channels.
// Its settings are in README.md.

import { Chess } from 'chess.js';
import Redis from 'ioredis';
import jwt from 'jsonwebtoken';
import { randomUUID } from 'node:crypto';
import { WebSocketServer } from 'ws';

import { bearer, entrance, listen, userOf } from '../entrance.mjs';
import { channel, Games } from '../games.mjs';
import { begin, deadline, flag, fold, play, Refusal, snapshot } from '../rules.mjs';

/** A socket from which nothing came for so long is closed; how often it is looked at. In ms. */
const SILENCE = 15_000;
const SWEEP = 5_000;

/** Bytes that may wait for a client who does not read; then it is cut off. */
const MAX_WAITING = 1 << 20;

/** The FEN is what the library itself wrote: to check it again would take as long as to read it. */
const position = (fen) => new Chess(fen, { skipValidation: true });

/** How often a move is tried when somebody else was first. */
const TRIES = 3;

/** The longest time that a timer can have, in ms. */
const MAX_TIMER = 2 ** 31 - 1;

const url = process.argv[process.argv.indexOf('--redis-url') + 1];
const redis = new Redis(url, { enableAutoPipelining: true });
const told = new Redis(url);
const games = new Games(redis);

/** Followed games by their id: the game as far as this process knows it, and the sockets that are told of it. */
const followed = new Map();

function follow(id) {
  let here = followed.get(id);
  if (!here) {
    here = { id, sockets: new Set(), game: null, early: [], timer: undefined };
    followed.set(id, here);
    // Subscribed before it is read, so that nothing falls between.
    here.open = told.subscribe(channel(id)).then(() => load(here));
  }
  return here;
}

/** Reads the game; what is published meanwhile is folded in after that. */
async function load(here) {
  here.game = null;
  const game = await games.read(here.id);
  if (!game) {
    followed.delete(here.id);
    told.unsubscribe(channel(here.id));
    throw new Refusal('not_found');
  }
  here.game = game;
  const early = here.early;
  here.early = [];
  for (const message of early) hear(here, message);
  watchClock(here);
}

/** Messages may have been lost: everybody is shown the game anew. */
async function reload(here) {
  here.open = load(here);
  await here.open;
  for (const socket of here.sockets) send(socket, JSON.stringify(snapshot(here.game)));
}

function leave(socket, here) {
  here.sockets.delete(socket);
  socket.following.delete(here.id);
  if (here.sockets.size === 0) {
    clearTimeout(here.timer);
    followed.delete(here.id);
    told.unsubscribe(channel(here.id));
  }
}

/** What was published of a game: a line for each version, which goes to everybody as it is. */
function hear(here, message) {
  if (!here.game) {
    here.early.push(message);
    return;
  }
  for (const text of message.split('\n')) {
    const frame = JSON.parse(text);
    if (frame.v <= here.game.v) continue;
    if (frame.v > here.game.v + 1) {
      reload(here).catch(complain);
      return;
    }
    here.game = fold(here.game, frame);
    for (const socket of here.sockets) send(socket, text);
  }
  watchClock(here);
}

/** Calls the flag of who has no time left. */
function watchClock(here) {
  clearTimeout(here.timer);
  const left = deadline(here.game) - Date.now();
  if (left > MAX_TIMER) return;
  here.timer = setTimeout(() => {
    if (Date.now() >= deadline(here.game)) commit(here.game, flag(here.game)).catch(complain);
  }, Math.max(0, left));
}

const commit = (game, { next, frames }) =>
  games.commit(game, next, frames.map((frame) => JSON.stringify(frame)).join('\n'));

const on = {
  async watch(socket, { id, game }) {
    const here = follow(game);
    await here.open;
    if (socket.readyState !== socket.OPEN) return;
    here.sockets.add(socket);
    socket.following.set(game, here);
    send(socket, JSON.stringify(snapshot(here.game, id)));
  },

  unwatch(socket, { game }) {
    const here = socket.following.get(game);
    if (here) leave(socket, here);
  },

  async move(socket, msg) {
    const now = Date.now();
    const here = socket.following.get(msg.game);
    if (!here) throw new Refusal('not_found');
    for (let tried = 0; tried < TRIES; tried += 1) {
      await here.open;
      const made = play(position, here.game, socket.user, msg, now);
      if (await commit(here.game, made)) {
        send(socket, `{"t":"ok","re":${msg.id},"v":${made.next.v}}`);
        return;
      }
      await reload(here);
    }
    throw new Refusal('unavailable');
  },

  ping(socket) {
    send(socket, `{"t":"pong","now":${Date.now()}}`);
  },
};

function send(socket, text) {
  if (socket.bufferedAmount > MAX_WAITING) socket.terminate();
  else socket.send(text);
}

async function receive(socket, data) {
  socket.heard = Date.now();
  let msg;
  try {
    msg = JSON.parse(data);
    if (!Object.hasOwn(on, msg.t)) throw new Refusal('bad_request');
    await on[msg.t](socket, msg);
  } catch (error) {
    const code = error instanceof Refusal ? error.code : error instanceof SyntaxError ? 'bad_request' : 'unavailable';
    send(socket, JSON.stringify({ t: 'error', re: msg?.id, code, message: error.message }));
  }
}

const server = entrance(jwt, async (terms) => {
  const game = begin({ id: randomUUID().slice(0, 8), ...terms }, Date.now());
  await games.create(game);
  return game.id;
});
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 4096 });

server.on('upgrade', (request, raw, head) => {
  let user = null;
  try {
    const token = bearer(request.headers.authorization);
    if (token) user = userOf(jwt, token);
  } catch {
    raw.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
    return;
  }
  sockets.handleUpgrade(request, raw, head, (socket) => {
    Object.assign(socket, { user, following: new Map(), heard: Date.now() });
    socket.on('message', (data) => receive(socket, data));
    socket.on('close', () => socket.following.forEach((here) => leave(socket, here)));
    socket.on('error', () => socket.terminate());
    send(socket, `{"t":"hello","user":${JSON.stringify(user)},"now":${Date.now()}}`);
  });
});

told.on('message', (name, message) => {
  const here = followed.get(name.split(':')[1]);
  if (here) hear(here, message);
});
let isConnected = false;
told.on('ready', () => {
  // The client subscribes again by itself; what was published meanwhile is lost.
  if (isConnected) for (const here of followed.values()) reload(here).catch(complain);
  isConnected = true;
});

setInterval(() => {
  const limit = Date.now() - SILENCE;
  for (const socket of sockets.clients) if (socket.heard < limit) socket.terminate();
}, SWEEP);

function complain(error) {
  console.error(error);
}
redis.on('error', complain);
told.on('error', complain);
listen(server);
