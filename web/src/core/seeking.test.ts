// What the server is told of a wish, whatever the player and the line do meanwhile.
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualTimers } from '../../tests/support/manual-timers';
import type { ClientFrame, Playing, Seek, ServerMsg } from '../protocol';
import { Hub } from './hub';
import type { Wish } from './lobby';

const wish = (limit: number): Wish => ({ variant: 'standard', color: 'random', clock: { limit, increment: 0 } });
const [bullet, blitz] = [wish(60), wish(180)];
const me = { id: 'guest-me', name: 'Me', guest: true };
const listed = (limit: number): Seek => ({ seek: me.id, user: me, clock: { limit, increment: 0 }, variant: 'standard', rated: false, color: 'random' });
const game = (id: string): Playing => ({ game: id, color: 'white', opponent: null });

/** A page whose server answers each message at once, unless the test says otherwise. */
class Page {
  readonly timers = new ManualTimers();
  readonly sent: ClientFrame[] = [];
  answer: (frame: ClientFrame) => ServerMsg | undefined = ({ id }) => ({ t: 'ok', re: id ?? 0 });
  isUp = true;
  readonly hub: Hub = new Hub(
    {
      transmit: (frame) => {
        if (!this.isUp) return false;
        this.sent.push(frame);
        const answer = frame.id === undefined ? undefined : this.answer(frame);
        if (answer !== undefined) this.timers.after(0, () => this.hub.receive(answer));
        return true;
      },
      reconnect: () => undefined,
    },
    this.timers,
  );

  greet(...playing: Playing[]): void {
    this.isUp = true;
    this.hub.receive({ t: 'hello', user: me, now: 0, node: 'n', ping_ms: 5000, playing });
    this.timers.pass(0);
  }

  lose(): void {
    this.isUp = false;
    this.hub.lineChanged('lost');
  }

  seek(wanted: Wish): void {
    this.hub.seeking.seek(wanted);
    this.timers.pass(0);
  }

  cancel(): void {
    this.hub.seeking.cancel();
    this.timers.pass(0);
  }

  start(id: string): void {
    this.hub.receive({ t: 'game_start', ...game(id) });
  }

  /** The seconds of each seek that was sent; 0 for its end. */
  get told(): number[] {
    return this.sent.flatMap((frame) => (frame.t === 'seek' ? [frame.clock?.limit ?? -1] : frame.t === 'unseek' ? [0] : []));
  }

  get sought(): number | undefined {
    return this.hub.seeking.waiting.value?.wish.clock?.limit;
  }
}

let page: Page;
beforeEach(() => {
  page = new Page();
  page.greet();
});

describe('a wish', () => {
  it('is told, moved and ended', () => {
    page.seek(bullet);
    page.seek(blitz);
    page.hub.seeking.toggle(blitz);
    page.timers.pass(0);
    expect(page.told).toEqual([60, 180, 0]);
    expect(page.sought).toBeUndefined();
  });

  it('is told only as it is when the answer to the last one comes', () => {
    page.hub.seeking.seek(bullet);
    for (const next of [blitz, wish(300), wish(600)]) page.hub.seeking.seek(next);
    page.timers.pass(0);
    expect(page.told).toEqual([60, 600]);
    page.hub.seeking.seek(bullet);
    page.hub.seeking.cancel();
    expect(page.sought).toBeUndefined();
    page.timers.pass(0);
    expect(page.told).toEqual([60, 600, 60, 0]);
  });

  it('is told again on a new line, and one that was ended meanwhile is not', () => {
    page.seek(bullet);
    page.lose();
    page.greet();
    expect(page.told).toEqual([60, 60]);
    page.lose();
    page.cancel();
    page.greet();
    expect(page.told).toEqual([60, 60]);
    page.lose();
    page.seek(blitz);
    page.greet();
    expect(page.told).toEqual([60, 60, 180]);
  });

  it('ends when the page is left', () => {
    page.hub.seeking.seek(bullet);
    page.hub.seeking.leave();
    page.timers.pass(0);
    expect(page.told).toEqual([60, 0]);
    page.hub.seeking.leave();
    expect(page.told).toEqual([60, 0]);
  });

  it('comes to nothing when it is refused, with the reason in words', () => {
    page.answer = ({ id }) => ({ t: 'error', re: id ?? 0, code: 'not_allowed', message: 'there are no rated games here' });
    page.seek(bullet);
    expect(page.sought).toBeUndefined();
    expect(page.hub.seeking.problem.value).toBe('Not possible: there are no rated games here.');
    page.timers.pass(60_000);
    expect(page.told).toEqual([60]);
  });

  it('waits as long as the server wants, and is then what is wanted then', () => {
    page.answer = ({ id }) => ({ t: 'error', re: id ?? 0, code: 'rate_limited', message: 'slow down', retry_after_ms: 4000 });
    page.seek(bullet);
    expect(page.hub.seeking.waiting.value?.delay).toBe('Too many requests. Asked again in 4 s.');
    page.seek(blitz);
    page.answer = ({ id }) => ({ t: 'ok', re: id ?? 0 });
    page.timers.pass(3999);
    expect(page.told).toEqual([60]);
    page.timers.pass(1);
    page.timers.pass(0);
    expect(page.told).toEqual([60, 180]);
    expect(page.hub.seeking.waiting.value).toEqual({ wish: blitz, since: 0 });
  });
});

describe('a game that begins', () => {
  it('ends the wish, and is told of once', () => {
    page.seek(bullet);
    page.start('game0001');
    expect(page.hub.seeking.begun.value).toBe('game0001');
    expect(page.sought).toBeUndefined();
    page.hub.seeking.begun.value = null;
    page.start('game0001');
    page.cancel();
    expect(page.hub.seeking.begun.value).toBeNull();
    expect(page.told).toEqual([60]);
  });

  it('while the line was lost is found in the greeting, and nothing is sought again', () => {
    page.lose();
    page.greet(game('old00001'));
    page.seek(bullet);
    page.lose();
    page.greet(game('old00001'), game('game0001'));
    expect(page.hub.seeking.begun.value).toBe('game0001');
    expect(page.told).toEqual([60]);
  });

  it('just before the wish was withdrawn still counts', () => {
    page.seek(bullet);
    page.hub.seeking.cancel();
    page.start('game0001');
    expect(page.hub.seeking.begun.value).toBe('game0001');
  });

  it('without a wish leads nowhere', () => {
    page.start('game0001');
    expect(page.hub.seeking.begun.value).toBeNull();
  });
});

describe('another window of the same user', () => {
  it('that seeks something else takes over', () => {
    page.hub.lobby.follow();
    page.seek(bullet);
    page.hub.receive({ t: 'seeks', list: [listed(60)] });
    page.hub.receive({ t: 'seeks', add: [listed(180)], remove: [me.id] });
    page.timers.pass(2999);
    expect(page.sought).toBe(60);
    page.timers.pass(1);
    expect(page.sought).toBeUndefined();
    expect(page.hub.seeking.problem.value).toBe('You seek something else in another window.');
    expect(page.told).toEqual([60]);
  });

  it('is not seen in a list that is only late', () => {
    page.hub.lobby.follow();
    page.seek(bullet);
    page.seek(blitz);
    page.hub.receive({ t: 'seeks', add: [listed(60)] });
    page.timers.pass(1000);
    page.hub.receive({ t: 'seeks', add: [listed(180)], remove: [me.id] });
    page.timers.pass(60_000);
    expect(page.sought).toBe(180);
  });
});
