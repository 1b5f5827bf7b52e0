// Games in Redis, one hash each, for the peers whose games outlive a process. The client is ioredis', handed in.

import { readFileSync } from 'node:fs';

const COMMIT = readFileSync(new URL('commit.lua', import.meta.url), 'utf8');

/** How long a game is kept, in seconds. */
const KEPT = 24 * 3600;

const NUMBERS = ['v', 'ply', 'initial', 'increment', 'wms', 'bms', 'at'];

/** The fields that a move changes. */
const CHANGED = ['v', 'ply', 'fen', 'moves', 'wms', 'bms', 'at', 'status'];

export const channel = (id) => `game:${id}:told`;

const key = (id) => `game:${id}`;

export class Games {
  constructor(redis) {
    this.redis = redis;
    redis.defineCommand('commitGame', { numberOfKeys: 2, lua: COMMIT });
  }

  async create(game) {
    await this.redis.multi().hset(key(game.id), game).expire(key(game.id), KEPT).exec();
  }

  /** The game, or null if there is none. */
  async read(id) {
    const game = await this.redis.hgetall(key(id));
    if (!game.id) return null;
    for (const name of NUMBERS) game[name] = Number(game[name]);
    return game;
  }

  /** Writes `next` in the place of `game` and publishes the message; false if that is not the stored one any more. */
  async commit(game, next, message) {
    const fields = CHANGED.flatMap((name) => [name, next[name]]);
    const done = await this.redis.commitGame(key(game.id), channel(game.id), game.v, message, ...fields);
    return done === 1;
  }
}
