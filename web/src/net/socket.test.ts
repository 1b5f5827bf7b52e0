// The line through losses, silence, bad tokens and restarts, on a clock that a test moves.
import { describe, expect, it } from 'vitest';
import { ManualTimers } from '../../tests/support/manual-timers';
import { HttpError } from '../core/api';
import type { Link } from '../core/hub';
import type { ServerMsg } from '../protocol';
import { pauseBefore } from './backoff';
import { Socket, type RawSocket } from './socket';

class FakeRaw {
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  readonly sent: string[] = [];
  closedWith: number | undefined;

  constructor(readonly protocols: string[]) {}

  send(text: string): void {
    this.sent.push(text);
  }

  close(code: number): void {
    this.closedWith = code;
  }
}

const hello = JSON.stringify({ t: 'hello', user: null, now: 0, node: 'n', ping_ms: 5000, playing: [] });

class Setting {
  readonly timers = new ManualTimers();
  readonly raws: FakeRaw[] = [];
  readonly frames: ServerMsg[] = [];
  readonly links: Link[] = [];
  readonly delays: (string | undefined)[] = [];
  refusal: HttpError | undefined;
  asked = 0;
  renewals = 0;
  token = 'abc';
  readonly socket = new Socket(
    {
      timers: this.timers,
      connect: (protocols) => {
        const raw = new FakeRaw(protocols);
        this.raws.push(raw);
        return raw as unknown as RawSocket;
      },
      token: () => {
        this.asked += 1;
        return this.refusal === undefined ? Promise.resolve(this.token) : Promise.reject(this.refusal);
      },
      renewToken: () => {
        this.renewals += 1;
        this.token = `new${this.renewals}`;
        return Promise.resolve();
      },
    },
    { onFrame: (msg) => this.frames.push(msg), onLink: (link, delay) => {
        this.links.push(link);
        this.delays.push(delay);
      } },
  );

  get raw(): FakeRaw {
    const raw = this.raws.at(-1);
    if (raw === undefined) throw new Error('nothing was opened');
    return raw;
  }

  /** Lets time pass, and promises that settled meanwhile run on. */
  async pass(ms: number): Promise<void> {
    this.timers.pass(ms);
    for (let n = 0; n < 8; n += 1) await Promise.resolve();
  }

  async open(): Promise<void> {
    this.socket.start();
    await this.pass(0);
    this.greet();
  }

  greet(): void {
    this.raw.onopen?.();
    this.raw.onmessage?.({ data: hello });
  }
}

describe('the socket', () => {
  it('waits as long as a server asks that gives no token yet, and says so', async () => {
    const line = new Setting();
    line.refusal = new HttpError(429, 'rate_limited', 'too often', 36_000);
    line.socket.start();
    await line.pass(0);
    expect([line.asked, line.delays.at(-1)]).toEqual([1, 'Too many requests. Asked again in 36 s.']);
    await line.pass(35_999);
    expect(line.asked).toBe(1);
    line.refusal = undefined;
    await line.pass(1);
    line.greet();
    expect([line.asked, line.links.at(-1), line.delays.at(-1)]).toEqual([2, 'lost', undefined]);
    expect(line.frames).toHaveLength(1);
  });

  it('waits a minute at most', async () => {
    const line = new Setting();
    line.refusal = new HttpError(429, 'rate_limited', 'too often', 3600_000);
    line.socket.start();
    await line.pass(0);
    await line.pass(60_000);
    expect(line.asked).toBe(2);
  });

  it('opens with the token as a subprotocol', async () => {
    const line = new Setting();
    await line.open();
    expect(line.raw.protocols).toEqual(['zeitnot.v1', 'bearer.abc']);
    expect(line.frames).toMatchObject([{ t: 'hello' }]);
    expect(line.socket.transmit({ t: 'lobby', id: 1 })).toBe(true);
    expect(line.raw.sent).toEqual(['{"t":"lobby","id":1}']);
  });

  it('opens again at once after a loss, then ever more slowly', async () => {
    const line = new Setting();
    line.timers.chance = 1;
    await line.open();
    line.raw.onclose?.({ code: 1006 });
    expect(line.socket.transmit({ t: 'ping' })).toBe(false);
    await line.pass(0);
    expect(line.raws).toHaveLength(2);
    for (const [index, pause] of [500, 1000, 2000, 4000, 8000, 8000].entries()) {
      line.raw.onclose?.({ code: 1006 });
      await line.pass(pause - 1);
      expect(line.raws).toHaveLength(index + 2);
      await line.pass(1);
      expect(line.raws).toHaveLength(index + 3);
    }
    line.greet();
    line.raw.onclose?.({ code: 1006 });
    await line.pass(0);
    expect(line.raws).toHaveLength(9);
  });

  it('looks for a better token after two failed opens', async () => {
    const line = new Setting();
    line.timers.chance = 0;
    line.socket.start();
    await line.pass(0);
    line.raw.onclose?.({ code: 1006 });
    await line.pass(0);
    expect(line.renewals).toBe(0);
    line.raw.onclose?.({ code: 1006 });
    await line.pass(0);
    expect(line.renewals).toBe(1);
    expect(line.raw.protocols[1]).toBe('bearer.new1');
  });

  it('gets another token at once when its own was refused or ended', async () => {
    const line = new Setting();
    await line.open();
    line.raw.onclose?.({ code: 4401 });
    await line.pass(0);
    expect(line.renewals).toBe(1);
  });

  it('pings, and drops a line that does not answer', async () => {
    const line = new Setting();
    await line.open();
    await line.pass(5000);
    expect(line.raw.sent).toEqual(['{"t":"ping"}']);
    line.raw.onmessage?.({ data: '{"t":"pong","now":1,"heads":{}}' });
    await line.pass(5000);
    const old = line.raw;
    await line.pass(8000);
    expect(old.closedWith).toBe(1000);
    expect(line.raws).toHaveLength(2);
  });

  it('tries at once when it is nudged while it waits', async () => {
    const line = new Setting();
    line.timers.chance = 1;
    await line.open();
    line.raw.onclose?.({ code: 1006 });
    await line.pass(0);
    line.raw.onclose?.({ code: 1006 });
    line.socket.nudge();
    await line.pass(0);
    expect(line.raws).toHaveLength(3);
  });

  it('makes sure of an open line when it is nudged', async () => {
    const line = new Setting();
    await line.open();
    line.socket.nudge();
    expect(line.raw.sent).toEqual(['{"t":"ping"}']);
    await line.pass(2500);
    expect(line.raws).toHaveLength(2);
  });

  it('moves on within the window when its node drains', async () => {
    const line = new Setting();
    await line.open();
    line.raw.onmessage?.({ data: '{"t":"draining","reconnect_within_ms":4000}' });
    await line.pass(1999);
    expect(line.raws).toHaveLength(1);
    await line.pass(1);
    expect(line.raws).toHaveLength(2);
  });

  it('waits when the server asked for calm', async () => {
    const line = new Setting();
    await line.open();
    line.raw.onclose?.({ code: 1013 });
    await line.pass(1999);
    expect(line.raws).toHaveLength(1);
    await line.pass(2000);
    expect(line.raws).toHaveLength(2);
  });

  it('hears nothing of a socket that it has left', async () => {
    const line = new Setting();
    await line.open();
    const old = line.raw;
    line.socket.reconnect();
    await line.pass(0);
    expect(old.onmessage).toBeNull();
    expect(line.raws).toHaveLength(2);
    expect(line.links).toEqual(['connecting', 'lost']);
  });
});

describe('the pause', () => {
  it('has full jitter', () => {
    expect([0, 1, 2, 3, 4, 5, 9].map((attempt) => pauseBefore(attempt, 1))).toEqual([0, 500, 1000, 2000, 4000, 8000, 8000]);
    expect(pauseBefore(5, 0)).toBe(0);
  });
});
