// Which guest a window is: alone, beside others, after a reload, and after it was closed.
import { describe, expect, it } from 'vitest';
import { HttpError } from '../core/api';
import type { Grant } from './http';
import type { Locks } from './locks';
import { Session } from './session';

const DAY = 86_400_000;

class MemoryStorage {
  readonly #items = new Map<string, string>();
  getItem = (key: string): string | null => this.#items.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.#items.set(key, value);
  removeItem = (key: string): void => void this.#items.delete(key);
}

/** One browser: storage and locks that its windows share. */
class Browser {
  readonly storage = new MemoryStorage();
  readonly held = new Set<string>();
  now = 0;
  guests = 0;
  refresh: (token: string) => Promise<Grant> = (token) => Promise.resolve(this.grant(Number(token.split('-')[1])));

  grant(n: number): Grant {
    return { token: `token-${n}-${this.now}`, expiresAt: this.now + DAY, user: { id: `guest-${n}`, name: `Guest ${n}`, guest: true } };
  }

  /** Opens a window; `own` is the storage that a reload brings along. */
  window(game?: string, own = new MemoryStorage()): { session: Session; own: MemoryStorage; close: () => void } {
    const taken: string[] = [];
    const locks: Locks = {
      take: (name) => {
        if (this.held.has(name)) return Promise.resolve(false);
        this.held.add(name);
        taken.push(name);
        return Promise.resolve(true);
      },
    };
    const session = new Session({
      storage: this.storage as unknown as Storage,
      windowStorage: own as unknown as Storage,
      locks,
      game,
      now: () => this.now,
      createGuest: () => {
        this.guests += 1;
        return Promise.resolve(this.grant(this.guests));
      },
      refresh: (token) => this.refresh(token),
    });
    return { session, own, close: () => taken.forEach((name) => this.held.delete(name)) };
  }
}

const guestOf = async (window: { session: Session }): Promise<string> => (await window.session.token()).split('-').slice(0, 2).join('-');

describe('a window', () => {
  it('is another guest beside an open one', async () => {
    const browser = new Browser();
    expect(await guestOf(browser.window())).toBe('token-1');
    expect(await guestOf(browser.window())).toBe('token-2');
  });

  it('that was closed comes back as the same guest', async () => {
    const browser = new Browser();
    const first = browser.window();
    await guestOf(first);
    first.close();
    expect(await guestOf(browser.window())).toBe('token-1');
    expect(browser.guests).toBe(1);
  });

  it('stays itself through a reload, also when an earlier guest became free', async () => {
    const browser = new Browser();
    const [first, second] = [browser.window(), browser.window()];
    await guestOf(first);
    await guestOf(second);
    first.close();
    second.close();
    expect(await guestOf(browser.window(undefined, second.own))).toBe('token-2');
  });

  it('opened on a game is the free guest that sits there', async () => {
    const browser = new Browser();
    const [first, second] = [browser.window(), browser.window()];
    await guestOf(first);
    await second.session.sitsIn('q7ZwA0bX');
    await guestOf(first);
    first.close();
    second.close();
    expect(await guestOf(browser.window('q7ZwA0bX'))).toBe('token-2');
  });

  it('asks only once however often it needs its token', async () => {
    const browser = new Browser();
    const { session } = browser.window();
    await Promise.all([session.token(), session.token(), session.token()]);
    expect(browser.guests).toBe(1);
  });

  it('renews a token that ends soon, and forgets one that has ended', async () => {
    const browser = new Browser();
    const first = browser.window();
    await guestOf(first);
    browser.now = DAY - 3600_000;
    expect(await first.session.token()).toBe(`token-1-${browser.now}`);
    first.close();
    browser.now *= 3;
    expect(await guestOf(browser.window())).toBe('token-2');
  });

  it('becomes a new guest only when the server refuses the old one', async () => {
    const browser = new Browser();
    const { session } = browser.window();
    await session.token();
    browser.refresh = () => Promise.reject(new HttpError(0, 'offline', 'no line'));
    await expect(session.renew()).rejects.toThrow('no line');
    expect(browser.guests).toBe(1);
    browser.refresh = () => Promise.reject(new HttpError(401, 'unauthorized', 'bad token'));
    await session.renew();
    expect(await guestOf({ session })).toBe('token-2');
  });

  it('tries again when no guest could be made', async () => {
    const browser = new Browser();
    const window = browser.window();
    browser.storage.setItem('zeitnot.guests', 'nonsense');
    expect(await guestOf(window)).toBe('token-1');
  });
});
