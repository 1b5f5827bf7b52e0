// A game as the Node peers keep it: plain values, and what a move makes of them. The position comes from chess.js, of which
// each peer installs its own. No IO. Frames have the fields of Zeitnot's, so that all are told the same and judged the same.

export const START = 'rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1';

/** The player's message was understood and not done. */
export class Refusal extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** A game in which nobody has moved; limit and increment in seconds, `now` in ms. Version 1 is the set-up. */
export function begin({ id, white, black, limit, increment }, now) {
  return {
    id, white, black,
    v: 1, ply: 0, fen: START, moves: '', status: 'started',
    initial: limit * 1000, increment: increment * 1000, wms: limit * 1000, bms: limit * 1000, at: now,
  };
}

/** Whose turn it is. */
export const turn = (game) => (game.ply % 2 === 0 ? 'white' : 'black');

/** When the side to move has no time left, in ms; the first move of each side is free. */
export const deadline = (game) =>
  game.ply < 2 || game.status !== 'started' ? Infinity : game.at + (turn(game) === 'white' ? game.wms : game.bms);

/**
 * What a user's move makes of the game: the game after it and the frames that tell of it, one for each version.
 * `open` makes a position of a FEN; it is moved on. Throws a Refusal, and then the game is as it was.
 */
export function play(open, game, user, { uci, ply }, now) {
  const color = turn(game);
  if (game.status !== 'started') throw new Refusal('game_over');
  if (user !== game.white && user !== game.black) throw new Refusal('forbidden');
  if (ply !== game.ply) throw new Refusal('stale');
  if (user !== game[color]) throw new Refusal('not_your_turn');
  if (now >= deadline(game)) return flag(game);

  const chess = open(game.fen);
  let mv;
  try {
    mv = chess.move({ from: uci.slice(0, 2), to: uci.slice(2, 4), promotion: uci[4] });
  } catch {
    throw new Refusal('illegal_move');
  }
  const elapsed = game.ply < 2 ? 0 : Math.max(0, now - game.at);
  const bonus = game.ply < 2 ? 0 : game.increment;
  const next = {
    ...game,
    v: game.v + 1, ply: game.ply + 1, fen: mv.after, moves: game.moves ? `${game.moves} ${uci}` : uci, at: now,
  };
  if (color === 'white') next.wms -= elapsed - bonus;
  else next.bms -= elapsed - bonus;

  const status = ending(chess, mv.san);
  const move = {
    t: 'move', game: game.id, v: next.v, ply: next.ply, uci, san: mv.san, fen: next.fen,
    clock: clock({ ...next, status }), at: now, now, lag: { elapsed, compensated: 0 },
  };
  const frames = [move];
  if (status !== 'started') frames.push(end(next, status, status === 'mate' ? color : undefined));
  return { next, frames };
}

/** The end of a game whose side to move has no time left. */
export function flag(game) {
  const next = { ...game };
  return { next, frames: [end(next, 'outoftime', turn(game) === 'white' ? 'black' : 'white')] };
}

/** A game of which one more frame is told. */
export function fold(game, frame) {
  if (frame.t === 'end') return { ...game, v: frame.v, status: frame.status };
  const { v, ply, fen, uci, at, clock: { white, black } } = frame;
  return { ...game, v, ply, fen, at, moves: game.moves ? `${game.moves} ${uci}` : uci, wms: white, bms: black };
}

/** The whole game, for who joins; `re` is the number of the message that it answers. */
export function snapshot(game, re) {
  const now = Date.now();
  const running = clock(game);
  if (running.running) running[running.running] -= now - game.at;
  return {
    t: 'game', re, game: game.id, v: game.v, moves: game.moves, fen: game.fen, ply: game.ply, turn: turn(game),
    clock: running, status: game.status, at: game.at, now,
  };
}

/** What is left as of the moment of the last move. */
function clock(game) {
  const running = game.ply < 2 || game.status !== 'started' ? null : turn(game);
  return { initial: game.initial, increment: game.increment, white: game.wms, black: game.bms, running };
}

// Mate stands in the SAN already; a stalemate does not.
function ending(chess, san) {
  if (san.endsWith('#')) return 'mate';
  if (chess.isStalemate()) return 'stalemate';
  return chess.isInsufficientMaterial() ? 'draw' : 'started';
}

function end(next, status, winner) {
  next.v += 1;
  next.status = status;
  return { t: 'end', game: next.id, v: next.v, status, ...(winner && { winner }), clock: clock(next) };
}
