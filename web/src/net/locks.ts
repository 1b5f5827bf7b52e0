// Which window owns which guest. Web Locks say it exactly; where the browser has none (plain http on another host) a lease
// in localStorage, renewed while the window lives, says it well enough.

/** Takes names for this window until it closes. */
export interface Locks {
  /** True if the name is this window's from now on; waits up to `waitMs` for a window that is just closing. */
  take(name: string, waitMs: number): Promise<boolean>;
}

/** A hidden window's timers run once a minute at worst. */
const LEASE_MS = 70_000;
const RENEW_MS = 5000;

/** Locks that the browser itself releases when the window goes. */
export class WebLocks implements Locks {
  constructor(private readonly manager: LockManager) {}

  take(name: string, waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const hold = (lock: Lock | null): Promise<void> | undefined => {
        resolve(lock !== null);
        // Never resolved: the lock is held until the window is gone.
        return lock === null ? undefined : new Promise<void>(() => undefined);
      };
      const options: LockOptions = waitMs === 0 ? { ifAvailable: true } : { signal: AbortSignal.timeout(waitMs) };
      this.manager.request(name, options, hold).catch(() => resolve(false));
    });
  }
}

/** Locks as dated notes in localStorage. Two windows that ask in the same millisecond may both succeed. */
export class LeaseLocks implements Locks {
  readonly #owner = Math.random().toString(36).slice(2);

  constructor(private readonly storage: Storage) {}

  take(name: string): Promise<boolean> {
    const key = `zeitnot.lease.${name}`;
    const [owner, until] = (this.storage.getItem(key) ?? '').split(' ');
    if (owner !== undefined && owner !== '' && owner !== this.#owner && Number(until) > Date.now()) {
      return Promise.resolve(false);
    }
    const renew = (): void => this.storage.setItem(key, `${this.#owner} ${Date.now() + LEASE_MS}`);
    renew();
    setInterval(renew, RENEW_MS);
    window.addEventListener('pagehide', () => this.storage.removeItem(key));
    window.addEventListener('pageshow', renew);
    return Promise.resolve(true);
  }
}
