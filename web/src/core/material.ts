// What one side is ahead by on the board, for the line beside its name. It counts pieces; it does not judge positions.
import type { Color, Variant } from '../protocol';
import type { Role } from './position';

export interface Lead {
  /** Pieces that this side has more of, most valuable first. */
  readonly roles: readonly Role[];
  /** Pawns' worth that it is ahead; 0 if it is not. */
  readonly points: number;
}

const worth: ReadonlyArray<readonly [Role, string, number]> = [
  ['queen', 'q', 9],
  ['rook', 'r', 5],
  ['bishop', 'b', 3],
  ['knight', 'n', 3],
  ['pawn', 'p', 1],
];

/** Variants in which a difference of pieces says something. */
const uncounted: ReadonlySet<Variant> = new Set<Variant>(['horde', 'crazyhouse', 'antichess', 'racingKings']);

/** What `color` is ahead by in the position of a FEN. */
export function leadOf(fen: string, color: Color, variant: Variant): Lead {
  if (uncounted.has(variant)) return { roles: [], points: 0 };
  const board = fen.split(' ')[0] ?? '';
  const count = (letter: string): number => board.split(letter).length - 1;
  const roles: Role[] = [];
  let points = 0;
  for (const [role, letter, value] of worth) {
    const difference = (count(letter.toUpperCase()) - count(letter)) * (color === 'white' ? 1 : -1);
    for (let n = 0; n < difference; n += 1) roles.push(role);
    points += difference * value;
  }
  return { roles, points: Math.max(0, points) };
}
