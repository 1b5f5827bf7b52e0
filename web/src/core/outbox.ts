// Messages that wait for their answer: numbers them, matches answers by `re`, and says them again after a lost line or an
// `unavailable`. That is safe because the protocol makes each command idempotent. It does not know what they mean.
import type { ClientFrame, ClientMsg, ServerMsg } from '../protocol';

export type Answered = Extract<ServerMsg, { re?: number }>;

/** Timers of the page, or of a test. */
export interface Timers {
  now(): number;
  after(ms: number, run: () => void): () => void;
  random(): number;
}

/** Hears why a message has to wait, and for how long. */
export type Delayed = (pauseMs: number, why: Extract<Answered, { t: 'error' }>) => void;

interface Waiting {
  readonly msg: ClientMsg;
  readonly settle: (answer: Answered) => void;
  readonly delayed: Delayed | undefined;
  sentAt: number;
  tries: number;
  cancelRetry?: () => void;
}

/** Longest pause before a message is said again. */
const MAX_RETRY_MS = 8000;
const FIRST_RETRY_MS = 400;
/** More than this waits for nobody: the oldest are given up. */
const MAX_WAITING = 64;

export class Outbox {
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(
    private readonly transmit: (frame: ClientFrame) => boolean,
    private readonly timers: Timers,
  ) {}

  /**
   * Sends a message now, or as soon as the line is back. `settle` runs once, with an answer that is final. `delayed` hears
   * when the server wants it later.
   */
  post(msg: ClientMsg, settle: (answer: Answered) => void, delayed?: Delayed): number {
    this.#lastId += 1;
    const id = this.#lastId;
    if (this.#waiting.size >= MAX_WAITING) this.drop([...this.#waiting.keys()][0] ?? 0);
    this.#waiting.set(id, { msg, settle, delayed, sentAt: this.timers.now(), tries: 0 });
    this.#send(id);
    return id;
  }

  /** Takes an answer. False if it answers nothing that still waits. */
  answered(answer: Answered): boolean {
    const id = answer.re;
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) return false;
    if (answer.t === 'error' && (answer.code === 'unavailable' || answer.code === 'rate_limited')) {
      this.#retryLater(id, waiting, answer);
      return true;
    }
    this.drop(id);
    waiting.settle(answer);
    return true;
  }

  /** The line is back: everything unanswered is said again, oldest first. */
  resend(): void {
    for (const id of this.#waiting.keys()) this.#send(id);
  }

  /** Forgets a message; a late answer to it means nothing. */
  drop(id: number): void {
    this.#waiting.get(id)?.cancelRetry?.();
    this.#waiting.delete(id);
  }

  dropWhere(test: (msg: ClientMsg) => boolean): void {
    for (const [id, { msg }] of this.#waiting) if (test(msg)) this.drop(id);
  }

  /** How long the longest unanswered message has waited since it was last sent; ms. Those that will be retried do not count. */
  longestWait(): number {
    const now = this.timers.now();
    let longest = 0;
    for (const { sentAt, cancelRetry } of this.#waiting.values()) {
      if (cancelRetry === undefined) longest = Math.max(longest, now - sentAt);
    }
    return longest;
  }

  isWaiting(test: (msg: ClientMsg) => boolean): boolean {
    return [...this.#waiting.values()].some(({ msg }) => test(msg));
  }

  #send(id: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    waiting.cancelRetry?.();
    delete waiting.cancelRetry;
    waiting.sentAt = this.timers.now();
    this.transmit({ ...waiting.msg, id });
  }

  #retryLater(id: number, waiting: Waiting, why: Extract<Answered, { t: 'error' }>): void {
    waiting.tries += 1;
    const backoff = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (waiting.tries - 1));
    const pause = Math.max(why.retry_after_ms ?? 0, backoff * (0.5 + this.timers.random() / 2));
    waiting.cancelRetry?.();
    waiting.cancelRetry = this.timers.after(pause, () => this.#send(id));
    waiting.delayed?.(pause, why);
  }
}
