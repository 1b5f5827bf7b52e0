// Who this window is. Guests live in localStorage; a window takes a free one and keeps it until it closes, so two windows
// are two players and a window that comes back is the same one. It opens no socket and shows nothing.
import { HttpError } from '../core/api';
import type { Grant } from './http';
import type { Locks } from './locks';

/** What a session is given. */
export interface SessionParts {
  /** Shared by all windows. */
  readonly storage: Storage;
  /** Of this window, and its reloads. */
  readonly windowStorage: Storage;
  readonly locks: Locks;
  /** The game this window opens, if any: a guest with a seat there is the right one. */
  readonly game: string | undefined;
  now(): number;
  createGuest(): Promise<Grant>;
  refresh(token: string): Promise<Grant>;
}

interface Guest extends Grant {
  /** Games it took a seat in, newest last. */
  readonly games: readonly string[];
}

const GUESTS = 'zeitnot.guests';
const OWN = 'zeitnot.guest';
const MAX_GUESTS = 24;
const MAX_GAMES = 20;
/** A token with less than this left is renewed before use. */
const RENEW_BELOW_MS = 6 * 3600_000;
/** A reloading window may hold its lock for a moment longer than its page lives. */
const RELOAD_WAIT_MS = 400;

export class Session {
  #guest: Promise<Guest> | undefined;

  constructor(private readonly parts: SessionParts) {}

  /** The token of this window, renewed if it ends soon. */
  async token(): Promise<string> {
    let guest = await this.#current();
    const left = guest.expiresAt - this.parts.now();
    if (left < RENEW_BELOW_MS) {
      try {
        await this.renew();
      } catch (error) {
        // Without an answer the old token still serves, as long as it lives.
        if (left <= 0) throw error;
      }
      guest = await this.#current();
    }
    return guest.token;
  }

  /** Gets a fresh token for this guest; if the server no longer takes the old one, becomes a new guest: then false. */
  async renew(): Promise<boolean> {
    const old = await this.#current();
    try {
      const grant = await this.parts.refresh(old.token);
      const guest: Guest = { ...grant, games: old.games };
      this.#keep(guest);
      this.#guest = Promise.resolve(guest);
      return true;
    } catch (error) {
      if (!(error instanceof HttpError) || error.status !== 401) throw error;
      this.#forget(old.user.id);
      this.#guest = this.#createGuest();
      await this.#current();
      return false;
    }
  }

  /** Notes that this guest sits in a game, so that a window opened on it later becomes this guest again. */
  async sitsIn(game: string): Promise<void> {
    const guest = await this.#current();
    if (guest.games.includes(game)) return;
    const noted: Guest = { ...guest, games: [...guest.games, game].slice(-MAX_GAMES) };
    this.#guest = Promise.resolve(noted);
    this.#keep(noted);
  }

  async #current(): Promise<Guest> {
    this.#guest ??= this.#claim();
    try {
      return await this.#guest;
    } catch (error) {
      this.#guest = undefined;
      throw error;
    }
  }

  async #claim(): Promise<Guest> {
    const { locks, windowStorage } = this.parts;
    const own = windowStorage.getItem(OWN);
    const guests = this.#stored();
    const rank = (guest: Guest): number => {
      if (guest.user.id === own) return 0;
      return this.parts.game !== undefined && guest.games.includes(this.parts.game) ? 1 : 2;
    };
    for (const guest of guests.toSorted((a, b) => rank(a) - rank(b))) {
      const waitMs = guest.user.id === own ? RELOAD_WAIT_MS : 0;
      if (await locks.take(lockName(guest.user.id), waitMs)) {
        windowStorage.setItem(OWN, guest.user.id);
        return guest;
      }
    }
    return this.#createGuest();
  }

  async #createGuest(): Promise<Guest> {
    const guest: Guest = { ...(await this.parts.createGuest()), games: [] };
    await this.parts.locks.take(lockName(guest.user.id), 0);
    this.parts.windowStorage.setItem(OWN, guest.user.id);
    this.#keep(guest);
    return guest;
  }

  #stored(): readonly Guest[] {
    let value: unknown;
    try {
      value = JSON.parse(this.parts.storage.getItem(GUESTS) ?? '[]');
    } catch {
      return [];
    }
    return Array.isArray(value) ? value.filter(isGuest).filter(({ expiresAt }) => expiresAt > this.parts.now()) : [];
  }

  #keep(guest: Guest): void {
    const stored = this.#stored();
    const isKnown = stored.some(({ user }) => user.id === guest.user.id);
    const guests = isKnown ? stored.map((one) => (one.user.id === guest.user.id ? guest : one)) : [...stored, guest];
    this.#write(guests.slice(-MAX_GUESTS));
  }

  #forget(id: string): void {
    this.#write(this.#stored().filter(({ user }) => user.id !== id));
  }

  #write(guests: readonly Guest[]): void {
    try {
      this.parts.storage.setItem(GUESTS, JSON.stringify(guests));
    } catch {
      // Storage is full or forbidden: the guest lives as long as this window.
    }
  }
}

function lockName(userId: string): string {
  return `zeitnot-${userId}`;
}

function isGuest(value: unknown): value is Guest {
  const guest = value as Partial<Guest> | null;
  return (
    typeof guest?.token === 'string' &&
    typeof guest.expiresAt === 'number' &&
    typeof guest.user?.id === 'string' &&
    Array.isArray(guest.games)
  );
}
