// Positions and their legal moves for the ten variants, from FEN and UCI. All knowledge of the rules library is here and
// in moves.ts. It judges no game: how a game ended, and whether a move counted, is the server's word.
import { chessgroundDests, lichessRules } from 'chessops/compat';
import { makeFen, parseFen } from 'chessops/fen';
import { makeSanAndPlay } from 'chessops/san';
import type { Role } from 'chessops/types';
import { makeSquare, parseSquare, parseUci } from 'chessops/util';
import { Crazyhouse, defaultPosition, normalizeMove, setupPosition, type Position } from 'chessops/variant';
import type { Color, Variant } from '../protocol';

export type { Position, Role };

/** One half-move that was played, and the position after it. */
export interface Played {
  /** As the wire writes it, e.g. `e2e4`, `e7e8q`, `P@e4`. */
  readonly uci: string;
  /** For people, e.g. `Nf3`. */
  readonly san: string;
  readonly fen: string;
}

/** How many pieces of each role one side holds in hand. */
export type Pocket = ReadonlyMap<Role, number>;

export const pocketRoles: readonly Role[] = ['queen', 'rook', 'bishop', 'knight', 'pawn'];

/** The position of a FEN, or nothing if it is none that this variant allows. */
export function readPosition(variant: Variant, fen: string): Position | undefined {
  const setup = parseFen(fen);
  if (setup.isErr) return undefined;
  const position = setupPosition(lichessRules(variant), setup.value);
  return position.isOk ? position.value : undefined;
}

/** Where a game of this variant starts. Chess960 has 960 starts; this is the common one among them. */
export function startFen(variant: Variant): string {
  return makeFen(defaultPosition(lichessRules(variant)).toSetup());
}

/** The side to move of a FEN; White if it says nothing. */
export function sideToMove(fen: string): Color {
  return fen.split(' ')[1] === 'b' ? 'black' : 'white';
}

/** Plays moves from a position on. It stops at the first one that it cannot read or that is not legal. */
export function replay(variant: Variant, initialFen: string, moves: readonly string[]): readonly Played[] {
  const position = readPosition(variant, initialFen);
  const played: Played[] = [];
  if (position === undefined) return played;
  for (const uci of moves) {
    const next = playOn(position, uci);
    if (next === undefined) break;
    played.push(next);
  }
  return played;
}

/** What one move makes of a position, which itself stays as it is; nothing if the move is not legal. */
export function playFrom(position: Position, uci: string): Played | undefined {
  return playOn(position.clone(), uci);
}

/** The board squares that each piece of the side to move may go to, by square name. */
export function destinations(position: Position, variant: Variant): ReturnType<typeof chessgroundDests> {
  return chessgroundDests(position, { chess960: variant === 'chess960' });
}

/** The squares where the side to move may put a piece of this role from its pocket. */
export function dropSquares(position: Position, role: Role): readonly string[] {
  if (!(position instanceof Crazyhouse)) return [];
  if ((position.pockets?.[position.turn][role] ?? 0) === 0) return [];
  const squares: string[] = [];
  for (const square of position.dropDests()) {
    if (position.isLegal({ role, to: square })) squares.push(makeSquare(square));
  }
  return squares;
}

/** The pocket of one side, or nothing in variants without one. */
export function pocketOf(position: Position, color: Color): Pocket | undefined {
  const pockets = position.pockets;
  if (pockets === undefined) return undefined;
  return new Map(pocketRoles.map((role) => [role, pockets[color][role]]));
}

/** Checks left for each side, or nothing in variants that do not count them. */
export function checksLeft(position: Position): Readonly<Record<Color, number>> | undefined {
  const left = position.remainingChecks;
  return left === undefined ? undefined : { white: left.white, black: left.black };
}

/** The side whose king is attacked, if it is that side's turn. */
export function sideInCheck(position: Position): Color | undefined {
  return position.isCheck() ? position.turn : undefined;
}

/** The roles that a pawn may become with this move; empty if it is no promotion. */
export function promotionsOf(position: Position, from: string, to: string, variant: Variant): readonly Role[] {
  const [origin, target] = [parseSquare(from), parseSquare(to)];
  if (origin === undefined || target === undefined) return [];
  if (position.board.get(origin)?.role !== 'pawn') return [];
  if (target >= 8 && target < 56) return [];
  const roles: Role[] = ['queen', 'knight', 'rook', 'bishop'];
  return variant === 'antichess' ? [...roles, 'king'] : roles;
}

/** Whether this is at least the third time that the last position stands on the board, or fifty moves have gone by. */
export function mayClaimDraw(initialFen: string, played: readonly Played[]): boolean {
  const last = played.at(-1);
  if (last === undefined) return false;
  const halfmoves = Number(countersOf(last.fen)[0] ?? 0);
  if (halfmoves >= 100) return true;
  const key = identityOf(last.fen);
  return [initialFen, ...played.map((one) => one.fen)].filter((fen) => identityOf(fen) === key).length >= 3;
}

function playOn(position: Position, uci: string): Played | undefined {
  const move = parseUci(uci);
  if (move === undefined) return undefined;
  const normal = normalizeMove(position, move);
  if (!position.isLegal(normal)) return undefined;
  const san = makeSanAndPlay(position, normal);
  return { uci, san, fen: makeFen(position.toSetup()) };
}

function identityOf(fen: string): string {
  return fen.split(' ').slice(0, -2).join(' ');
}

function countersOf(fen: string): readonly string[] {
  return fen.split(' ').slice(-2);
}
