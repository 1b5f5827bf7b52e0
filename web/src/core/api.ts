// What the page asks of the HTTP API, as the views see it. The calls themselves are made in net/http.ts.
import type { Challenge, Color, Variant } from '../protocol';
import type { Pace } from './format';
import { refusalWords } from './words';

export interface NewGame {
  readonly variant: Variant;
  readonly pace: Pace;
  readonly fen?: string;
}

export interface Api {
  /** Makes a game that waits for two players; its maker has no seat yet. */
  createOpen(game: NewGame): Promise<Challenge>;
  /** Takes a seat; without a color the free one, or a random one. */
  accept(id: string, color: Color | undefined): Promise<void>;
  /** A game that still waits for players; nothing if there is none of this id. */
  challenge(id: string): Promise<Challenge | undefined>;
  pgn(id: string): Promise<string>;
}

/** A call that did not do what it was asked. `status` 0: no answer at all. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** After which time it may be done, if the server said so. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

/** A failed call in words that say what to do. */
export function failureWords(error: unknown): string {
  if (!(error instanceof HttpError)) return 'Something went wrong on this page. Reload it and try again.';
  if (error.status === 0) return 'The server cannot be reached. Check your connection and try again.';
  if (error.code === 'bad_request' && error.message !== '') return `The server did not accept that: ${error.message}.`;
  if (error.code === 'unavailable') return 'The server cannot store games just now. Try again in a moment.';
  return refusalWords(error.code, error.message, error.retryAfterMs);
}
