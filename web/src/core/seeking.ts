// What this user seeks: one wish at a time. The server is told the newest one, one message after the other, and again on
// every new line; a game that begins ends it. It shows nothing and leads nowhere: the views look at `waiting` and `begun`.
import { batch, signal } from '@preact/signals';
import type { ClientMsg } from '../protocol';
import { formatSpan } from './format';
import { isSameWish, type Row, type Wish } from './lobby';
import type { Answered, Delayed, Timers } from './outbox';
import { refusalWords } from './words';

/** A wish that waits for an opponent. */
export interface Waiting {
  readonly wish: Wish;
  /** Local ms. */
  readonly since: number;
  /** Why the server does not know of it yet, in words. */
  readonly delay?: string;
}

/** What seeking needs from its surroundings. */
export interface SeekingSurroundings {
  readonly timers: Timers;
  isLive(): boolean;
  /** `delayed` is called instead of `settle` when the server wants the message later. */
  post(msg: ClientMsg, settle: (answer: Answered) => void, delayed: Delayed): number;
  drop(messageId: number): void;
  /** Sends a message now or never. */
  transmit(msg: ClientMsg): void;
}

/** A message that the server did not want waits at least this long. */
const SHORTEST_PAUSE_MS = 1000;
/** Another seek of this user stands in the list for this long: it came from another window. */
const TAKEN_OVER_MS = 3000;

export class Seeking {
  readonly waiting = signal<Waiting | null>(null);
  /** Why the last wish came to nothing, in words. */
  readonly problem = signal<string | null>(null);
  /** The game that the last wish led to. */
  readonly begun = signal<string | null>(null);

  /** What the server was last told and took. */
  #told: Wish | null = null;
  #sending: number | null = null;
  #cancelPause: (() => void) | undefined;
  #cancelTakenOver: (() => void) | undefined;

  constructor(private readonly around: SeekingSurroundings) {}

  /** Seeks this, and nothing else from now on. */
  seek(wish: Wish): void {
    batch(() => {
      this.problem.value = null;
      this.begun.value = null;
      this.waiting.value = { wish, since: this.around.timers.now() };
    });
    this.#tell();
  }

  cancel(): void {
    this.#end();
    this.#tell();
  }

  /** Seeks this; if that is what is sought already, ends it. */
  toggle(wish: Wish): void {
    if (isSameWish(this.waiting.peek()?.wish ?? null, wish)) this.cancel();
    else this.seek(wish);
  }

  /** The page goes away: there is no time for answers. */
  leave(): void {
    if (this.#told === null && this.#sending === null) return;
    this.around.transmit({ t: 'unseek' });
    this.#forget();
    this.#end();
  }

  /** The line is new. `begun` are the running games that were not known before. */
  greeted(begun: readonly string[]): void {
    const game = begun.at(-1);
    if (game !== undefined && this.waiting.peek() !== null) {
      this.started(game);
      return;
    }
    // What the server still knows of the old line ends there by itself.
    this.#forget();
    this.#tell();
  }

  /** A game began. */
  started(game: string): void {
    const isMine = this.waiting.peek() !== null || this.#told !== null;
    this.#forget();
    if (!isMine) return;
    batch(() => {
      this.begun.value = game;
      this.#end();
    });
  }

  /** The list of open seeks changed: is this user's still what it was? */
  seen(rows: readonly Row[], user: string | undefined): void {
    const own = rows.filter(({ seek, goneAt }) => seek.user.id === user && goneAt === undefined);
    const told = this.#told;
    const isOther = told !== null && own.length > 0 && !own.some(({ seek }) => isSameWish(seek, told));
    if (!isOther) this.#stopDoubting();
    else this.#cancelTakenOver ??= this.around.timers.after(TAKEN_OVER_MS, () => this.#takenOver(told));
  }

  #takenOver(told: Wish): void {
    this.#cancelTakenOver = undefined;
    if (this.#told !== told || this.#sending !== null) return;
    this.#told = null;
    if (!isSameWish(this.waiting.peek()?.wish ?? null, told)) return;
    this.#end();
    this.problem.value = 'You seek something else in another window.';
  }

  #end(): void {
    this.waiting.value = null;
    this.problem.value = null;
  }

  #forget(): void {
    if (this.#sending !== null) this.around.drop(this.#sending);
    this.#sending = null;
    this.#told = null;
    this.#cancelPause?.();
    this.#cancelPause = undefined;
    this.#stopDoubting();
  }

  #stopDoubting(): void {
    this.#cancelTakenOver?.();
    this.#cancelTakenOver = undefined;
  }

  /** Tells the server what is sought now, unless it knows, or an earlier message is still on its way. */
  #tell(): void {
    const wish = this.waiting.peek()?.wish ?? null;
    if (!this.around.isLive() || this.#sending !== null || this.#cancelPause !== undefined) return;
    if (isSameWish(wish, this.#told)) return;
    this.#stopDoubting();
    const id = this.around.post(
      wish === null ? { t: 'unseek' } : { t: 'seek', ...wish },
      (answer) => {
        this.#sending = null;
        if (answer.t !== 'error') this.#told = wish;
        else if (wish === null) this.#told = null;
        else this.#refused(wish, refusalWords(answer.code, answer.message, answer.retry_after_ms));
        this.#tell();
      },
      (pauseMs, why) => this.#pause(id, Math.max(pauseMs, SHORTEST_PAUSE_MS), refusalWords(why.code, why.message)),
    );
    this.#sending = id;
  }

  #refused(wish: Wish, why: string): void {
    if (!isSameWish(this.waiting.peek()?.wish ?? null, wish)) return;
    batch(() => {
      this.waiting.value = null;
      this.problem.value = why;
    });
  }

  /** What is said after the pause is what is wanted then. */
  #pause(id: number, pauseMs: number, why: string): void {
    this.around.drop(id);
    this.#sending = null;
    const waiting = this.waiting.peek();
    if (waiting !== null) this.waiting.value = { ...waiting, delay: `${why} Asked again in ${formatSpan(pauseMs)}.` };
    this.#cancelPause = this.around.timers.after(pauseMs, () => {
      this.#cancelPause = undefined;
      const { wish, since } = this.waiting.peek() ?? {};
      if (wish !== undefined && since !== undefined) this.waiting.value = { wish, since };
      this.#tell();
    });
  }
}
