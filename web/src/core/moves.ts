// Between the squares a player touches and the moves the wire carries. It knows notation only, not whose turn it is.
import { makeUci, parseSquare, parseUci, squareFile, squareRank } from 'chessops/util';
import { castlingSide, normalizeMove } from 'chessops/variant';
import type { NormalMove } from 'chessops/types';
import type { Variant } from '../protocol';
import type { Position, Role } from './position';

const roleLetters: { readonly [R in Role]: string } = {
  pawn: 'p',
  knight: 'n',
  bishop: 'b',
  rook: 'r',
  queen: 'q',
  king: 'k',
};

/** The UCI of a move by hand, e.g. `e7` `e8` `queen` → `e7e8q`. Castling stays as it was made. */
export function uciOf(from: string, to: string, promotion?: Role): string {
  return `${from}${to}${promotion === undefined ? '' : roleLetters[promotion]}`;
}

/** The UCI of a drop, e.g. `pawn` `e4` → `P@e4`. */
export function dropUciOf(role: Role, to: string): string {
  return `${roleLetters[role].toUpperCase()}@${to}`;
}

/**
 * The move as the server will report it: castling is king-takes-rook in chess960 and wherever the king or its rook
 * stands off its standard square, king-two-squares everywhere else. Nothing if it is not UCI.
 */
export function toWireUci(position: Position, uci: string, variant: Variant): string | undefined {
  const move = parseUci(uci);
  if (move === undefined) return undefined;
  const side = castlingSide(position, move);
  if (side === undefined) return makeUci(move);
  const takesRook = normalizeMove(position, move) as NormalMove;
  if (variant === 'chess960' || !isStandardCastling(takesRook)) return makeUci(takesRook);
  const rank = squareRank(takesRook.from) * 8;
  return makeUci({ from: takesRook.from, to: rank + (side === 'h' ? 6 : 2) });
}

/** Whether two notations mean the same move in this position. */
export function isSameMove(position: Position, left: string, right: string): boolean {
  if (left === right) return true;
  const [one, other] = [parseUci(left), parseUci(right)];
  if (one === undefined || other === undefined) return false;
  return makeUci(normalizeMove(position, one)) === makeUci(normalizeMove(position, other));
}

/** The squares to mark as the last move, e.g. `e2e4` → `e2`, `e4` and `P@e4` → `e4`. */
export function squaresOf(uci: string): readonly string[] {
  if (uci[1] === '@') return [uci.slice(2, 4)];
  const [from, to] = [uci.slice(0, 2), uci.slice(2, 4)];
  return parseSquare(from) === undefined || parseSquare(to) === undefined ? [] : [from, to];
}

function isStandardCastling(takesRook: NormalMove): boolean {
  const rookFile = squareFile(takesRook.to);
  return squareFile(takesRook.from) === 4 && (rookFile === 0 || rookFile === 7);
}
