// The list of open seeks under changes, and while somebody points at it.
import { describe, expect, it } from 'vitest';
import { ManualTimers } from '../../tests/support/manual-timers';
import type { ColorChoice, Seek } from '../protocol';
import { GONE_MS, answerTo, changed, sweepDue, swept, unknownList, type SeekList } from './lobby';
import { LobbyStore } from './lobby-store';

const open = (name: string, limit = 180, color: ColorChoice = 'random'): Seek => ({
  seek: `guest-${name}`,
  user: { id: `guest-${name}`, name, guest: true },
  clock: { limit, increment: 2 },
  variant: 'standard',
  rated: false,
  color,
});

/** The list as one sees it: names in order, taken ones in brackets. */
const shown = ({ rows }: Pick<SeekList, 'rows'>): string =>
  rows.map(({ seek, goneAt }) => (goneAt === undefined ? seek.user.name : `(${seek.user.name})`)).join(' ');

const three = changed(unknownList, { list: [open('Anna'), open('Bo'), open('Eve')] }, 0);

describe('the list', () => {
  it('puts new seeks at the end, and keeps taken ones at their places', () => {
    const list = changed(three, { add: [open('Zoe')], remove: ['guest-Anna', 'guest-Bo'] }, 100);
    expect(shown(list)).toBe('(Anna) (Bo) Eve Zoe');
    expect(list.rows.map(({ isFresh }) => isFresh)).toEqual([false, false, false, true]);
    expect(sweepDue(list)).toBe(100 + GONE_MS);
    expect(shown(swept(list, 100 + GONE_MS - 1))).toBe('(Anna) (Bo) Eve Zoe');
    expect(shown(swept(list, 100 + GONE_MS))).toBe('Eve Zoe');
  });

  it('shows a seek that changed anew, whether its end was told or not', () => {
    for (const remove of [['guest-Bo'], []]) {
      const list = changed(three, { add: [open('Bo', 60)], remove }, 0);
      expect(shown(list)).toBe('Anna (Bo) Eve Bo');
      expect(new Set(list.rows.map(({ key }) => key)).size).toBe(4);
    }
  });

  it('takes the whole list again without moving what stays', () => {
    const list = changed(three, { list: [open('Zoe'), open('Eve'), open('Anna')] }, 0);
    expect(shown(list)).toBe('Anna (Bo) Eve Zoe');
    expect(changed(list, { list: [open('Anna'), open('Eve'), open('Zoe')] }, 0).rows).toEqual(list.rows);
  });

  it('does not grow without end while it may not be swept', () => {
    let list = three;
    for (let n = 0; n < 1000; n += 1) list = changed(list, { add: [open(`N${n}`)], remove: [`guest-N${n - 1}`] }, n);
    expect(list.rows.length).toBeLessThanOrEqual(200);
    expect(shown(list).startsWith('Anna Bo Eve')).toBe(true);
    expect(shown(list).endsWith('(N998) N999')).toBe(true);
  });
});

it.each([
  ['white', 'black'],
  ['black', 'white'],
  ['random', 'random'],
] as const)('who plays %s is answered by %s', (color, answer) => {
  expect(answerTo(open('Bo', 60, color))).toEqual({ variant: 'standard', color: answer, clock: { limit: 60, increment: 2 } });
});

/** A lobby that is followed, with three seeks in it. */
const start = (): { lobby: LobbyStore; timers: ManualTimers; sent: string[]; stop: () => void } => {
  const timers = new ManualTimers();
  const sent: string[] = [];
  const send = (msg: { t: string }): void => void sent.push(msg.t);
  const lobby = new LobbyStore({ timers, isLive: () => true, post: send, transmit: send });
  const stop = lobby.follow();
  lobby.receive({ list: [open('Anna'), open('Bo'), open('Eve')] });
  return { lobby, timers, sent, stop };
};
const names = (lobby: LobbyStore): string => shown({ rows: lobby.rows.value });

describe('the lobby', () => {
  it('sweeps taken rows away after a second, but not from under the pointer', () => {
    const { lobby, timers } = start();
    lobby.receive({ remove: ['guest-Anna'] });
    expect(names(lobby)).toBe('(Anna) Bo Eve');
    timers.pass(GONE_MS);
    expect(names(lobby)).toBe('Bo Eve');
    lobby.hold(true);
    lobby.receive({ remove: ['guest-Bo'], add: [open('Zoe')] });
    timers.pass(60_000);
    expect(names(lobby)).toBe('(Bo) Eve Zoe');
    lobby.hold(false);
    timers.pass(0);
    expect(names(lobby)).toBe('Eve Zoe');
  });

  it('asks for the list on every new line, until it is left', () => {
    const { lobby, timers, sent, stop } = start();
    lobby.greeted();
    lobby.receive({ remove: ['guest-Anna'] });
    stop();
    lobby.greeted();
    lobby.receive({ add: [open('Zoe')] });
    timers.pass(GONE_MS);
    expect(sent).toEqual(['lobby', 'lobby', 'unlobby']);
    expect(lobby.rows.value).toEqual([]);
    expect(lobby.isTold.value).toBe(false);
  });
});
