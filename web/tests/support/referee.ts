// A server of one game for tests: it knows the rules and the log, answers commands as the protocol says, and keeps every
// frame, so that a test can lose, double or reorder them. It has no clock of its own: a clock reads what the test says.
import { lichessRules } from 'chessops/compat';
import { makeFen } from 'chessops/fen';
import { makeSanAndPlay } from 'chessops/san';
import { makeUci, parseUci } from 'chessops/util';
import { defaultPosition, normalizeMove, type Position } from 'chessops/variant';
import { toWireUci } from '../../src/core/moves';
import type { ClientFrame, Color, ServerMsg, Snapshot, Variant } from '../../src/protocol';

export const GAME = 'q7ZwA0bX';

type Log = Extract<ServerMsg, { game: string; v: number }>;

export class Referee {
  readonly frames: Log[] = [];
  readonly moves: string[] = [];
  #position: Position;
  #v = 1;
  #end: Extract<ServerMsg, { t: 'end' }> | undefined;
  readonly #initialFen: string;

  constructor(readonly variant: Variant = 'standard') {
    this.#position = defaultPosition(lichessRules(variant));
    this.#initialFen = this.fen;
  }

  get v(): number {
    return this.#v;
  }

  get fen(): string {
    return makeFen(this.#position.toSetup());
  }

  get turn(): Color {
    return this.#position.turn;
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  snapshot(seat: Color | null, re?: number): Extract<ServerMsg, { t: 'game' }> {
    const snapshot: Snapshot = {
      game: GAME,
      v: this.#v,
      variant: this.variant,
      speed: 'blitz',
      rated: false,
      initial_fen: this.#initialFen,
      moves: this.moves.join(' '),
      fen: this.fen,
      ply: this.moves.length,
      turn: this.turn,
      white: { id: 'guest-w', name: 'Anna', guest: true },
      black: { id: 'guest-b', name: 'Bo', guest: true },
      clock: this.#clock(),
      status: this.#end?.status ?? 'started',
      ...(this.#end?.winner === undefined ? {} : { winner: this.#end.winner }),
      seat,
      presence: { white: true, black: true },
      watchers: 0,
      created_at: 0,
      at: 0,
      now: 0,
      chat: [],
    };
    return { t: 'game', ...(re === undefined ? {} : { re }), ...snapshot };
  }

  /** Plays a legal move and returns its frame. */
  play(uci: string): Log {
    const move = parseUci(uci);
    if (move === undefined) throw new Error(`${uci} is no move`);
    const wire = toWireUci(this.#position, uci, this.variant) ?? uci;
    const normal = normalizeMove(this.#position, move);
    if (!this.#position.isLegal(normal)) throw new Error(`${uci} is not legal in ${this.fen}`);
    const san = makeSanAndPlay(this.#position, normal);
    this.moves.push(wire);
    const frame = this.#log({ t: 'move', game: GAME, v: 0, ply: this.moves.length, uci: wire, san, fen: this.fen, clock: this.#clock(), at: 0, now: 0 });
    const outcome = this.#position.outcome();
    if (outcome !== undefined) this.end(outcome.winner);
    return frame;
  }

  /** A legal move, chosen by a number between 0 and 1; nothing if there is none. */
  anyMove(chance: number): string | undefined {
    const moves: string[] = [];
    for (const [from, targets] of this.#position.allDests()) {
      for (const to of targets) {
        const isPawn = this.#position.board.get(from)?.role === 'pawn';
        moves.push(makeUci({ from, to, ...(isPawn && (to < 8 || to >= 56) ? { promotion: 'queen' as const } : {}) }));
      }
    }
    for (const role of ['pawn', 'knight', 'bishop', 'rook', 'queen'] as const) {
      if ((this.#position.pockets?.[this.turn][role] ?? 0) === 0) continue;
      for (const to of this.#position.dropDests()) {
        if (this.#position.isLegal({ role, to })) moves.push(makeUci({ role, to }));
      }
    }
    return moves[Math.floor(chance * moves.length)];
  }

  end(winner?: Color): Log {
    this.#end = { t: 'end', game: GAME, v: 0, status: winner === undefined ? 'draw' : 'mate', ...(winner === undefined ? {} : { winner }), clock: this.#clock(), at: 0, now: 0 };
    return this.#log(this.#end);
  }

  /** Writes any other frame into the log. */
  note(frame: Log): Log {
    return this.#log(frame);
  }

  takeBack(by: Color, ply: number): Log {
    const kept = this.moves.slice(0, ply);
    this.#position = defaultPosition(lichessRules(this.variant));
    this.moves.length = 0;
    for (const uci of kept) {
      const move = parseUci(uci);
      if (move !== undefined) this.#position.play(normalizeMove(this.#position, move));
      this.moves.push(uci);
    }
    return this.#log({ t: 'takeback', game: GAME, v: 0, by, do: 'accept', ply, fen: this.fen, at: 0, now: 0 });
  }

  /** Answers a move as the protocol says: idempotent by ply and UCI. */
  answer(frame: ClientFrame, seat: Color): ServerMsg {
    const re = frame.id ?? 0;
    const refuse = (code: 'stale' | 'not_your_turn' | 'illegal_move' | 'game_over' | 'bad_request'): ServerMsg => ({ t: 'error', re, code, message: code });
    if (frame.t === 'watch') return this.snapshot(seat, re);
    if (frame.t !== 'move') return refuse('bad_request');
    if (this.moves[frame.ply] === frame.uci) return { t: 'ok', re, v: this.#v };
    if (this.isOver) return refuse('game_over');
    if (frame.ply !== this.moves.length) return refuse('stale');
    if (this.turn !== seat) return refuse('not_your_turn');
    const move = parseUci(frame.uci);
    if (move === undefined || !this.#position.isLegal(normalizeMove(this.#position, move))) return refuse('illegal_move');
    this.play(frame.uci);
    return { t: 'ok', re, v: this.#v };
  }

  #log(frame: Log): Log {
    this.#v += 1;
    const logged = { ...frame, v: this.#v };
    this.frames.push(logged);
    return logged;
  }

  #clock(): Snapshot['clock'] {
    const running = this.moves.length < 2 || this.isOver ? null : this.turn;
    return { initial: 180_000, increment: 2000, white: 180_000, black: 180_000, running };
  }
}
