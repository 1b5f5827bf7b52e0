// One game on this page: what the server confirmed, at most one own move on its way, a premove, and which position is
// looked at. No DOM and no socket: frames come in by `receive`, messages go out by `post`.
import { batch, computed, signal, type ReadonlySignal } from '@preact/signals';
import type { Answer, ChatLine, ClientMsg, DrawAction, Room, ServerMsg, Snapshot } from '../protocol';
import { stopped, type Ticking } from './clock';
import { apply, attendanceFrom, fromSnapshot, isRunning, type Game, type Versioned } from './game';
import { isSameMove, squaresOf, toWireUci } from './moves';
import type { Answered } from './outbox';
import { mayClaimDraw, playFrom, readPosition, type Played, type Position } from './position';
import { refusalWords } from './words';

/** An own move that is on the board but not yet confirmed. */
export interface Pending extends Played {
  /** Half-moves that were played before it. */
  readonly ply: number;
  readonly messageId: number;
  readonly at: number;
}

/** The position the board shows. */
export interface Shown {
  readonly ply: number;
  readonly fen: string;
  readonly lastMove: readonly string[];
}

/** What a store needs from its surroundings. */
export interface Surroundings {
  now(): number;
  post(msg: ClientMsg, settle: (answer: Answered) => void): number;
  drop(messageId: number): void;
  /** Asks for the snapshot: something was missed. */
  resync(game: string): void;
  /** Tells the player something that passes. */
  notify(text: string): void;
}

/** Something that just happened, as opposed to a state that holds. */
export type Happening = 'own-move' | 'their-move' | 'end' | 'chat' | 'offer';

type GameCommand = Extract<ClientMsg, { game: string; v?: number }>;
type WithoutGame<M> = M extends unknown ? Omit<M, 'game' | 'v'> : never;

/** Lines of chat kept on the page, per game. */
const MAX_CHAT_LINES = 200;

export class GameStore {
  readonly game = signal<Game | null>(null);
  readonly pending = signal<Pending | null>(null);
  /** UCI of a move to be played as soon as it is legal. */
  readonly premove = signal<string | null>(null);
  /** The half-move that is looked at; null for the newest position. */
  readonly viewPly = signal<number | null>(null);
  readonly chat = signal<readonly ChatLine[]>([]);
  /** The server knows no game of this id (yet). */
  readonly missing = signal(false);
  /** The store behind the server is out: no moves, no clocks. */
  readonly frozen = signal(false);
  /** Kinds of commands that wait for an answer, e.g. `draw`. */
  readonly busy = signal<ReadonlySet<string>>(new Set());

  /** All half-moves, the unconfirmed one included. */
  readonly line: ReadonlySignal<readonly Played[]> = computed(() => {
    const played = this.game.value?.played ?? [];
    const pending = this.pending.value;
    return pending === null ? played : [...played, pending];
  });

  readonly shown: ReadonlySignal<Shown | null> = computed(() => {
    const game = this.game.value;
    if (game === null) return null;
    const line = this.line.value;
    const ply = Math.min(this.viewPly.value ?? line.length, line.length);
    const last = line[ply - 1];
    return { ply, fen: last?.fen ?? game.initialFen, lastMove: last === undefined ? [] : squaresOf(last.uci) };
  });

  /** The shown position as the rules see it. */
  readonly position: ReadonlySignal<Position | undefined> = computed(() => {
    const [game, shown] = [this.game.value, this.shown.value];
    return game === null || shown === null ? undefined : readPosition(game.variant, shown.fen);
  });

  readonly isLive: ReadonlySignal<boolean> = computed(() => this.viewPly.value === null);

  readonly isMyTurn: ReadonlySignal<boolean> = computed(() => {
    const game = this.game.value;
    return game !== null && isRunning(game) && game.seat === game.turn && this.pending.value === null;
  });

  /** The clocks to paint: an own move stops the own clock before the server has confirmed it. */
  readonly clock: ReadonlySignal<Ticking | null> = computed(() => {
    const clock = this.game.value?.clock ?? null;
    const pending = this.pending.value;
    if (clock === null) return null;
    if (pending !== null) return stopped(clock, pending.at);
    return this.frozen.value ? stopped(clock, this.#frozenAt) : clock;
  });

  readonly mayClaimDraw: ReadonlySignal<boolean> = computed(() => {
    const game = this.game.value;
    return game !== null && isRunning(game) && game.seat === game.turn && mayClaimDraw(game.initialFen, game.played);
  });

  readonly #listeners = new Set<(happening: Happening) => void>();
  #seenAt = 0;
  #frozenAt = 0;

  constructor(
    readonly id: string,
    private readonly around: Surroundings,
  ) {}

  /** Calls `listener` at each happening, never for what a snapshot brings. Returns the way to stop it. */
  listen(listener: (happening: Happening) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes any frame of this game. */
  receive(msg: Extract<ServerMsg, { game: string }>): void {
    const happenings: Happening[] = [];
    batch(() => {
      switch (msg.t) {
        case 'game':
          this.#replace(msg);
          break;
        case 'presence':
          this.#attend(msg);
          break;
        case 'crowd':
          this.#update((game) => ({ ...game, watchers: msg.watchers }));
          break;
        case 'chat':
          if (this.#addChat([msg])) happenings.push('chat');
          break;
        case 'ratings':
        case 'game_start':
          break;
        default:
          happenings.push(...this.#step(msg));
      }
    });
    this.#tell(happenings);
  }

  /** Plays a move by hand. It is shown at once; false if it cannot be played now. */
  play(uci: string): boolean {
    const isPlayed = batch(() => this.#play(uci, this.around.now() - this.#seenAt));
    if (isPlayed) this.#tell(['own-move']);
    return isPlayed;
  }

  /** Sets or clears the premove. One that comes just after the reply did is played as a move. */
  setPremove(uci: string | null): void {
    if (uci !== null && this.isMyTurn.peek()) this.play(uci);
    else this.premove.value = uci;
  }

  /** Looks at the position after `ply` half-moves; at or after the last one it is the newest again. */
  look(ply: number): void {
    this.viewPly.value = ply >= this.line.value.length ? null : Math.max(0, ply);
  }

  draw(action: DrawAction): void {
    this.#command({ t: 'draw', do: action });
  }

  takeback(action: Answer): void {
    this.#command({ t: 'takeback', do: action });
  }

  rematch(action: Answer): void {
    this.#command({ t: 'rematch', do: action });
  }

  resign(): void {
    this.#command({ t: 'resign' });
  }

  abort(): void {
    this.#command({ t: 'abort' });
  }

  giveTime(): void {
    this.#command({ t: 'give_time' });
  }

  claim(result: 'win' | 'draw'): void {
    this.#command({ t: 'claim', do: result });
  }

  /** Says a line in the chat. The key makes a repeated line the same line. */
  say(room: Room, text: string, key: string): void {
    this.around.post({ t: 'say', game: this.id, room, text, key }, (answer) => this.#refused(answer));
  }

  /** The store of the server went out, or came back. */
  freeze(isFrozen: boolean): void {
    if (isFrozen === this.frozen.value) return;
    this.#frozenAt = this.around.now();
    this.frozen.value = isFrozen;
  }

  #replace(msg: Snapshot): void {
    const old = this.game.value;
    const game = fromSnapshot(msg, this.around.now());
    const isSamePosition = old !== null && old.fen === game.fen && old.played.length === game.played.length;
    if (!isSamePosition) {
      this.premove.value = null;
      this.#seenAt = this.around.now();
    }
    this.game.value = game;
    this.missing.value = false;
    this.#reconcile(game);
    const ply = this.viewPly.value;
    if (ply !== null && ply >= game.played.length) this.viewPly.value = null;
    if (msg.reset === true) this.chat.value = [];
    this.#addChat(msg.chat);
  }

  #step(msg: Versioned): Happening[] {
    const old = this.game.value;
    if (old === null) return [];
    const step = apply(old, msg, this.around.now());
    if (step.kind === 'known') return [];
    if (step.kind === 'gap') {
      this.around.resync(this.id);
      return [];
    }
    const wasShown = this.pending.value !== null;
    this.game.value = step.game;
    this.#reconcile(step.game);
    if (!isRunning(step.game)) this.premove.value = null;
    switch (msg.t) {
      case 'move':
        this.#seenAt = this.around.now();
        if (old.seat === old.turn) return wasShown ? [] : ['own-move'];
        return this.#playPremove() ? ['their-move', 'own-move'] : ['their-move'];
      case 'end':
        return ['end'];
      case 'takeback':
        if (msg.do === 'accept') {
          this.premove.value = null;
          this.viewPly.value = null;
          this.#seenAt = this.around.now();
        }
        return msg.do === 'offer' ? ['offer'] : [];
      case 'draw':
      case 'rematch':
        return msg.do === 'offer' ? ['offer'] : [];
      case 'time':
        return [];
      default:
        return msg satisfies never;
    }
  }

  /** Keeps the unconfirmed move only while it is still the next move of the game. */
  #reconcile(game: Game): void {
    const pending = this.pending.value;
    if (pending === null || (isRunning(game) && game.played.length === pending.ply)) return;
    const counted = game.played[pending.ply];
    const before = readPosition(game.variant, game.played[pending.ply - 1]?.fen ?? game.initialFen);
    const isConfirmed = counted !== undefined && before !== undefined && isSameMove(before, counted.uci, pending.uci);
    this.pending.value = null;
    this.around.drop(pending.messageId);
    if (!isConfirmed && isRunning(game)) this.around.notify('Your last move did not count: something else came first.');
  }

  #play(uci: string, thinkMs: number): boolean {
    const [game, position] = [this.game.value, this.position.value];
    if (game === null || position === undefined || !this.isMyTurn.value || !this.isLive.value) return false;
    const wire = toWireUci(position, uci, game.variant);
    const played = wire === undefined ? undefined : playFrom(position, wire);
    if (wire === undefined || played === undefined) return false;
    const ply = game.played.length;
    const think = Math.max(0, Math.round(thinkMs));
    const messageId = this.around.post({ t: 'move', game: this.id, uci: wire, ply, v: game.v, think }, (answer) => {
      if (answer.t === 'error') this.#moveRefused(messageId, answer);
    });
    this.pending.value = { ...played, ply, messageId, at: this.around.now() };
    return true;
  }

  #playPremove(): boolean {
    const uci = this.premove.value;
    if (uci === null) return false;
    this.premove.value = null;
    // The premove belongs to the newest position, also while an older one is looked at.
    const ply = this.viewPly.value;
    this.viewPly.value = null;
    const isPlayed = this.#play(uci, 0);
    if (!isPlayed) this.viewPly.value = ply;
    return isPlayed;
  }

  #moveRefused(messageId: number, answer: Extract<Answered, { t: 'error' }>): void {
    if (this.pending.value?.messageId !== messageId) return;
    batch(() => {
      this.pending.value = null;
      this.around.notify(refusalWords(answer.code, answer.message));
    });
    this.around.resync(this.id);
  }

  #command(command: WithoutGame<GameCommand>): void {
    const game = this.game.value;
    if (game === null || this.busy.value.has(command.t)) return;
    const kind = command.t;
    this.busy.value = new Set([...this.busy.value, kind]);
    this.around.post({ ...command, game: this.id, v: game.v } as ClientMsg, (answer) => {
      this.busy.value = new Set([...this.busy.value].filter((other) => other !== kind));
      this.#refused(answer);
      if (answer.t !== 'error') return;
      if (kind === 'claim') this.#claimRefused(answer.retry_after_ms);
      else if (answer.code === 'stale') this.around.resync(this.id);
    });
  }

  /** The game may be claimed later than it seemed here, or the opponent is back. */
  #claimRefused(retryAfterMs: number | undefined): void {
    if (retryAfterMs === undefined) {
      this.around.resync(this.id);
      return;
    }
    const at = this.around.now() + retryAfterMs;
    this.#update((game) => {
      if (game.seat === null) return game;
      const claimAt = { ...game.attendance.claimAt, [game.seat]: at };
      return { ...game, attendance: { ...game.attendance, claimAt } };
    });
  }

  #tell(happenings: readonly Happening[]): void {
    for (const happening of happenings) for (const listener of this.#listeners) listener(happening);
  }

  #refused(answer: Answered): void {
    if (answer.t === 'error') this.around.notify(refusalWords(answer.code, answer.message, answer.retry_after_ms));
  }

  #attend(msg: Extract<ServerMsg, { t: 'presence' }>): void {
    const attendance = attendanceFrom(msg, msg.now, this.around.now());
    this.#update((game) => ({ ...game, attendance }));
  }

  #update(change: (game: Game) => Game): void {
    const game = this.game.value;
    if (game !== null) this.game.value = change(game);
  }

  #addChat(lines: readonly ChatLine[]): boolean {
    const known = new Set(this.chat.value.map(({ room, n }) => `${room} ${n}`));
    const fresh = lines.filter(({ room, n }) => !known.has(`${room} ${n}`));
    if (fresh.length > 0) {
      this.chat.value = [...this.chat.value, ...fresh].toSorted((a, b) => a.n - b.n).slice(-MAX_CHAT_LINES);
    }
    return fresh.length > 0;
  }
}

