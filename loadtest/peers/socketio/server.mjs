// One process of the peer: Socket.IO rooms over its sharded Redis adapter, games in Redis hashes, moves by compare-and-set.
// Its settings are in README.md.

import { createShardedAdapter } from '@socket.io/redis-adapter';
import { Chess } from 'chess.js';
import Redis from 'ioredis';
import jwt from 'jsonwebtoken';
import { randomUUID } from 'node:crypto';
import { Server } from 'socket.io';

import { entrance, listen, userOf } from '../entrance.mjs';
import { Games } from '../games.mjs';
import { begin, deadline, flag, play, Refusal, snapshot } from '../rules.mjs';

/** The FEN is what the library itself wrote: to check it again would take as long as to read it. */
const position = (fen) => new Chess(fen, { skipValidation: true });

/** How often a move is tried when somebody else was first. */
const TRIES = 3;

/** The longest time that a timer can have, in ms. */
const MAX_TIMER = 2 ** 31 - 1;

const url = process.argv[process.argv.indexOf('--redis-url') + 1];
const redis = new Redis(url, { enableAutoPipelining: true });
const subscriber = new Redis(url);
const games = new Games(redis);

/** Of games whose last move was made here: when the other side has no time left. */
const timers = new Map();

const server = entrance(jwt, async (terms) => {
  const game = begin({ id: randomUUID().slice(0, 8), ...terms }, Date.now());
  await games.create(game);
  return game.id;
});

const io = new Server(server, {
  adapter: createShardedAdapter(redis, subscriber, { subscriptionMode: 'static' }),
  transports: ['websocket'],
  serveClient: false,
  pingInterval: 5_000,
  maxHttpBufferSize: 4096,
});
// The request of the upgrade is needed no more, and would be kept with the socket.
io.engine.on('connection', (raw) => {
  raw.request = null;
});

io.use((socket, next) => {
  try {
    const { token } = socket.handshake.auth;
    socket.data.user = token ? userOf(jwt, token) : null;
    next();
  } catch {
    next(new Error('unauthorized'));
  }
});

io.on('connection', (socket) => {
  socket.on('watch', (msg, answer) =>
    answering(msg, answer, async () => {
      await socket.join(msg.game);
      return snapshot(await read(msg.game), msg.id);
    }),
  );
  socket.on('unwatch', (msg) => socket.leave(msg.game));
  socket.on('move', (msg, answer) => {
    const now = Date.now();
    return answering(msg, answer, () => move(socket.data.user, msg, now));
  });
});

/** Tells those in a game's room who are at this process. */
const here = (id, frame) => io.local.to(id).emit(frame.t, frame);

// `io.to(room).emit` would tell those here when Redis has answered, and by then the next move may have come from there.
io.on('told', here);

async function move(user, msg, now) {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const game = await read(msg.game);
    const made = play(position, game, user, msg, now);
    if (await tell(game, made)) return { t: 'ok', re: msg.id, v: made.next.v };
  }
  throw new Refusal('unavailable');
}

/** Stores what was made of a game, and tells everybody who is in its room; false if somebody else was first. */
async function tell(game, { next, frames }) {
  if (!(await games.commit(game, next, ''))) return false;
  for (const frame of frames) {
    here(game.id, frame);
    io.serverSideEmit('told', game.id, frame);
  }
  watchClock(next);
  return true;
}

async function read(id) {
  const game = await games.read(String(id));
  if (!game) throw new Refusal('not_found');
  return game;
}

/** Calls the flag of who does not move, if the game is still the same when his time is up. */
function watchClock(game) {
  clearTimeout(timers.get(game.id));
  timers.delete(game.id);
  const left = deadline(game) - Date.now();
  if (left > MAX_TIMER) return;
  const look = async () => {
    timers.delete(game.id);
    const now = await read(game.id);
    if (Date.now() >= deadline(now)) await tell(now, flag(now));
  };
  timers.set(game.id, setTimeout(() => look().catch(complain), Math.max(0, left)));
}

/** Answers by the acknowledgement, if one was asked for. */
async function answering(msg, answer, done) {
  let reply;
  try {
    reply = await done();
  } catch (error) {
    const code = error instanceof Refusal ? error.code : 'unavailable';
    reply = { t: 'error', re: msg?.id, code, message: error.message };
  }
  if (typeof answer === 'function') answer(reply);
}

function complain(error) {
  console.error(error);
}
redis.on('error', complain);
subscriber.on('error', complain);
listen(server);
