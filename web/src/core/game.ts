// A game as the server has told it so far: a fold over its frames, pure. No socket, no DOM, no own move that the server
// has not confirmed yet (store.ts has that). All moments are put on the local scale of `receivedAt`.
import type { Color, Player, Presence, Reason, ServerMsg, Snapshot, Speed, Status, Variant } from '../protocol';
import { tickingFrom, type Ticking } from './clock';
import { replay, sideToMove, type Played } from './position';

export interface Offers {
  readonly draw?: Color;
  readonly takeback?: Color;
  readonly rematch?: Color;
}

export interface Attendance {
  readonly white?: boolean;
  readonly black?: boolean;
  /** From when on a side may claim the game because the other one left; local ms. */
  readonly claimAt: { readonly white?: number; readonly black?: number };
}

export interface TimeLimits {
  readonly initial: number;
  readonly increment: number;
}

export interface Game {
  readonly id: string;
  readonly v: number;
  readonly variant: Variant;
  readonly speed: Speed;
  readonly rated: boolean;
  readonly initialFen: string;
  readonly played: readonly Played[];
  readonly fen: string;
  readonly turn: Color;
  readonly players: Readonly<Record<Color, Player | null>>;
  readonly limits: TimeLimits | null;
  readonly clock: Ticking | null;
  readonly days?: number;
  /** When the first move or the correspondence move is due; local ms. */
  readonly moveBy?: number;
  readonly status: Status;
  readonly winner?: Color;
  readonly reason?: Reason;
  readonly offers: Offers;
  readonly next?: string;
  readonly seat: Color | null;
  readonly attendance: Attendance;
  readonly watchers: number;
}

/** The frames that are steps of one game's log. */
export type Versioned = Extract<ServerMsg, { v: number; t: 'move' | 'draw' | 'takeback' | 'rematch' | 'time' | 'end' }>;

/** What a versioned frame did: nothing (it was known), a step, or it showed that frames are missing. */
export type Step =
  | { readonly kind: 'known' }
  | { readonly kind: 'step'; readonly game: Game }
  | { readonly kind: 'gap' };

/** A snapshot replaces all that was known. */
export function fromSnapshot(msg: Snapshot, receivedAt: number): Game {
  const moves = msg.moves.split(' ').filter((uci) => uci !== '');
  const played = [...replay(msg.variant, msg.initial_fen, moves)];
  // A move that the local rules cannot follow is still a move: show it by its UCI, with the position that is certain.
  for (const uci of moves.slice(played.length)) played.push({ uci, san: uci, fen: msg.fen });
  return {
    id: msg.game,
    v: msg.v,
    variant: msg.variant,
    speed: msg.speed,
    rated: msg.rated,
    initialFen: msg.initial_fen,
    played,
    fen: msg.fen,
    turn: msg.turn,
    players: { white: msg.white, black: msg.black },
    limits: msg.clock === null ? null : { initial: msg.clock.initial, increment: msg.clock.increment },
    clock: msg.clock === null ? null : tickingFrom(msg.clock, receivedAt),
    ...(msg.days === undefined ? {} : { days: msg.days }),
    ...dueAt(msg.move_by, msg.now, receivedAt),
    status: msg.status,
    ...(msg.winner === undefined ? {} : { winner: msg.winner }),
    ...(msg.reason === undefined ? {} : { reason: msg.reason }),
    offers: {
      ...(msg.draw_offer === undefined ? {} : { draw: msg.draw_offer }),
      ...(msg.takeback_offer === undefined ? {} : { takeback: msg.takeback_offer }),
      ...(msg.rematch_offer === undefined ? {} : { rematch: msg.rematch_offer }),
    },
    ...(msg.next === undefined ? {} : { next: msg.next }),
    seat: msg.seat,
    attendance: attendanceFrom(msg.presence, msg.now, receivedAt),
    watchers: msg.watchers,
  };
}

/** Applies one frame of the log. */
export function apply(game: Game, msg: Versioned, receivedAt: number): Step {
  if (msg.v <= game.v) return { kind: 'known' };
  if (msg.v !== game.v + 1) return { kind: 'gap' };
  const next = { ...game, v: msg.v };
  switch (msg.t) {
    case 'move':
      if (msg.ply !== game.played.length + 1) return { kind: 'gap' };
      return { kind: 'step', game: moved(next, msg, receivedAt) };
    case 'draw':
      return { kind: 'step', game: { ...next, offers: offered(game.offers, 'draw', msg) } };
    case 'takeback':
      return { kind: 'step', game: takenBack(next, msg, receivedAt) };
    case 'rematch':
      return {
        kind: 'step',
        game: {
          ...next,
          offers: offered(game.offers, 'rematch', msg),
          ...(msg.next === undefined ? {} : { next: msg.next }),
        },
      };
    case 'time':
      return { kind: 'step', game: withClock(next, msg.clock, receivedAt) };
    case 'end':
      return { kind: 'step', game: ended(next, msg, receivedAt) };
    default:
      return msg satisfies never;
  }
}

/** Who is there, as far as the server has said. */
export function attendanceFrom(presence: Presence | undefined, now: number, receivedAt: number): Attendance {
  const claimAt = presence?.claim_at;
  return {
    ...(presence === undefined ? {} : { white: presence.white, black: presence.black }),
    claimAt: {
      ...(claimAt?.white === undefined ? {} : { white: receivedAt + claimAt.white - now }),
      ...(claimAt?.black === undefined ? {} : { black: receivedAt + claimAt.black - now }),
    },
  };
}

/** From when on this user may claim the game because the opponent left, local ms; nothing where there is no such claim. */
export function claimAt({ seat, turn, status, attendance }: Game): number | undefined {
  // At one's own move one plays on.
  return seat === null || seat === turn || status !== 'started' ? undefined : attendance.claimAt[seat];
}

/** Whether the game runs and the opponent of this user has left it. */
export function hasOpponentLeft({ seat, status, attendance }: Game): boolean {
  return seat !== null && status === 'started' && attendance[seat === 'white' ? 'black' : 'white'] === false;
}

/** Whether the server still takes moves in this game. */
export function isRunning(game: Game): boolean {
  return game.status === 'started';
}

function moved(game: Game, msg: Extract<Versioned, { t: 'move' }>, receivedAt: number): Game {
  const { moveBy: _old, ...rest } = game;
  const mover = game.turn;
  const { draw } = game.offers;
  return withClock(
    {
      ...rest,
      played: [...game.played, { uci: msg.uci, san: msg.san, fen: msg.fen }],
      fen: msg.fen,
      turn: sideToMove(msg.fen),
      // A move ends the other side's draw offer and any takeback offer, without a frame of its own.
      offers: draw === mover ? { draw } : {},
      ...dueAt(msg.move_by, msg.now, receivedAt),
    },
    msg.clock,
    receivedAt,
  );
}

function takenBack(game: Game, msg: Extract<Versioned, { t: 'takeback' }>, receivedAt: number): Game {
  const offers = offered(game.offers, 'takeback', msg);
  if (msg.do !== 'accept' || msg.ply === undefined) return { ...game, offers };
  const played = game.played.slice(0, msg.ply);
  const fen = msg.fen ?? played.at(-1)?.fen ?? game.initialFen;
  const { moveBy: _old, ...rest } = game;
  const back = { ...rest, played, fen, turn: sideToMove(fen), offers: {}, ...dueAt(msg.move_by, msg.now, receivedAt) };
  return withClock(back, msg.clock, receivedAt);
}

function ended(game: Game, msg: Extract<Versioned, { t: 'end' }>, receivedAt: number): Game {
  const { moveBy: _old, ...rest } = withClock(game, msg.clock, receivedAt);
  return {
    ...rest,
    status: msg.status,
    ...(msg.winner === undefined ? {} : { winner: msg.winner }),
    ...(msg.reason === undefined ? {} : { reason: msg.reason }),
    clock: rest.clock === null ? null : { ...rest.clock, running: null },
    offers: {},
    attendance: { ...rest.attendance, claimAt: {} },
  };
}

function offered(offers: Offers, kind: keyof Offers, msg: { by: Color; do: string }): Offers {
  const { [kind]: _old, ...others } = offers;
  return msg.do === 'offer' ? { ...others, [kind]: msg.by } : others;
}

function withClock(game: Game, clock: Parameters<typeof tickingFrom>[0] | null | undefined, receivedAt: number): Game {
  return clock === null || clock === undefined ? game : { ...game, clock: tickingFrom(clock, receivedAt) };
}

function dueAt(moveBy: number | undefined, now: number | undefined, receivedAt: number): { moveBy?: number } {
  return moveBy === undefined || now === undefined ? {} : { moveBy: receivedAt + moveBy - now };
}
