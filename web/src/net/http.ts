// Calls of the HTTP API: adds the token, reads JSON, turns each failure into an HttpError with the server's code.
// It retries nothing and shows nothing.
import type { Challenge, Color, User } from '../protocol';
import { isChallenge } from '../protocol/decode';
import { HttpError, type Api, type NewGame } from '../core/api';

/** A guest's or user's token with its owner. `expiresAt` is unix ms. */
export interface Grant {
  readonly token: string;
  readonly expiresAt: number;
  readonly user: User;
}

type Fetch = typeof fetch;

const TIMEOUT_MS = 10_000;

export async function createGuest(fetcher: Fetch): Promise<Grant> {
  return readGrant(await readJson(await request(fetcher, 'POST', '/api/auth/guest', { json: {} })));
}

export async function refreshToken(fetcher: Fetch, token: string): Promise<Grant> {
  return readGrant(await readJson(await request(fetcher, 'POST', '/api/auth/refresh', { token })));
}

/** The API as the signed-in user of `token`. */
export class HttpApi implements Api {
  constructor(
    private readonly fetcher: Fetch,
    private readonly token: () => Promise<string>,
    /** Gets a token that the server takes, after it has refused one. */
    private readonly renew: () => Promise<void>,
  ) {}

  async createOpen(game: NewGame): Promise<Challenge> {
    const form = new URLSearchParams({ variant: game.variant, rated: 'false' });
    if (game.fen !== undefined) form.set('fen', game.fen);
    if (game.pace.type === 'clock') {
      form.set('clock.limit', String(game.pace.limit));
      form.set('clock.increment', String(game.pace.increment));
    } else if (game.pace.type === 'correspondence') {
      form.set('days', String(game.pace.daysPerTurn));
    }
    return readChallenge(await this.#call('POST', '/api/challenge/open', form));
  }

  async accept(id: string, color: Color | undefined): Promise<void> {
    const form = new URLSearchParams(color === undefined ? {} : { color });
    await this.#call('POST', `/api/challenge/${id}/accept`, form);
  }

  async challenge(id: string): Promise<Challenge | undefined> {
    try {
      return readChallenge(await this.#call('GET', `/api/challenge/${id}`));
    } catch (error) {
      if (error instanceof HttpError && error.status === 404) return undefined;
      throw error;
    }
  }

  async pgn(id: string): Promise<string> {
    const response = await this.#request('GET', `/game/export/${id}`);
    // A server without this page of the API would answer with the browser's page.
    if (response.headers.get('content-type')?.includes('html') === true) {
      throw new HttpError(response.status, 'not_found', 'there is no PGN of this game');
    }
    return response.text();
  }

  async #call(method: string, path: string, form?: URLSearchParams): Promise<unknown> {
    return readJson(await this.#request(method, path, form));
  }

  async #request(method: string, path: string, form?: URLSearchParams): Promise<Response> {
    const extras = form === undefined ? {} : { form };
    try {
      return await request(this.fetcher, method, path, { token: await this.token(), ...extras });
    } catch (error) {
      if (!(error instanceof HttpError) || error.status !== 401) throw error;
      await this.renew();
      return request(this.fetcher, method, path, { token: await this.token(), ...extras });
    }
  }
}

interface Extras {
  readonly token?: string;
  readonly json?: unknown;
  readonly form?: URLSearchParams;
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    throw new HttpError(response.status, 'bad_answer', 'the answer is not JSON');
  }
}

async function request(fetcher: Fetch, method: string, path: string, extras: Extras): Promise<Response> {
  const headers = new Headers({ accept: 'application/json' });
  if (extras.token !== undefined) headers.set('authorization', `Bearer ${extras.token}`);
  if (extras.json !== undefined) headers.set('content-type', 'application/json');
  const body = extras.form ?? (extras.json === undefined ? undefined : JSON.stringify(extras.json));
  if (path.startsWith('/game/export/')) headers.set('accept', 'application/x-chess-pgn');
  let response: Response;
  try {
    response = await fetcher(path, {
      method,
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body }),
    });
  } catch {
    throw new HttpError(0, 'offline', 'the server could not be reached');
  }
  if (!response.ok) throw await readError(response);
  return response;
}

async function readError(response: Response): Promise<HttpError> {
  const body: unknown = await response.json().catch(() => undefined);
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const code = typeof fields['code'] === 'string' ? fields['code'] : `http_${response.status}`;
  const message = typeof fields['error'] === 'string' ? fields['error'] : response.statusText;
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new HttpError(response.status, code, message, Number.isNaN(seconds) ? undefined : seconds * 1000);
}

function readGrant(value: unknown): Grant {
  const fields = value as { token?: unknown; expires_at?: unknown; user?: unknown } | null;
  const user = fields?.user as Partial<User> | undefined;
  if (typeof fields?.token !== 'string' || typeof fields.expires_at !== 'number' || typeof user?.id !== 'string') {
    throw new HttpError(200, 'bad_answer', 'the server gave no usable token');
  }
  const name = typeof user.name === 'string' ? user.name : user.id;
  return { token: fields.token, expiresAt: fields.expires_at, user: { id: user.id, name, guest: user.guest !== false } };
}

function readChallenge(value: unknown): Challenge {
  if (!isChallenge(value)) throw new HttpError(200, 'bad_answer', 'the server gave no usable challenge');
  return value;
}
