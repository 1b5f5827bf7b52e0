// The painted clock and its text.
import { describe, expect, it } from 'vitest';
import { lowTimeMs, msToNextPaint, remaining, stopped } from './clock';
import { formatClock, formatPace, formatSpan, formatTimeControl } from './format';
import { leadOf } from './material';

describe('a clock', () => {
  const ticking = { white: 5000, black: 9000, running: 'white', since: 100 } as const;
  it('runs on one side only and stops at zero', () => {
    expect(remaining(ticking, 'white', 1100)).toBe(4000);
    expect(remaining(ticking, 'black', 1100)).toBe(9000);
    expect(remaining(ticking, 'white', 99_999)).toBe(0);
    expect(remaining(ticking, 'white', 50)).toBe(5000);
  });
  it('keeps what it showed when it is stopped', () => {
    expect(stopped(ticking, 2100)).toEqual({ white: 3000, black: 9000, running: null, since: 2100 });
  });
  it('is painted when its text changes', () => {
    expect(msToNextPaint(61_200)).toBe(201);
    expect(msToNextPaint(9_940)).toBe(41);
  });
  it.each([[60_000, 10_000], [180_000, 22_500], [1_800_000, 60_000]])('of %i ms is low below %i', (initial, low) => {
    expect(lowTimeMs(initial)).toBe(low);
  });
});

describe('texts', () => {
  it.each([
    [3_723_000, '1:02:03'],
    [180_000, '3:00'],
    [59_999, '0:59'],
    [10_000, '0:10'],
    [9_990, '0:09.9'],
    [40, '0:00.0'],
    [-5, '0:00.0'],
  ])('%i ms reads %s', (ms, text) => expect(formatClock(ms)).toBe(text));
  it.each([
    [300, 3, '5+3'],
    [30, 0, '½+0'],
    [90, 1, '1½+1'],
    [20, 1, '20s+1'],
    [0, 2, '0+2'],
  ])('%i s + %i s reads %s', (limit, increment, text) => expect(formatTimeControl(limit, increment)).toBe(text));
  it('of long spans', () => {
    expect(formatSpan(11_200)).toBe('12 s');
    expect(formatSpan(3 * 86_400_000)).toBe('3 days 0 h');
    expect(formatPace({ type: 'correspondence', daysPerTurn: 1 })).toBe('1 day a move');
    expect(formatPace({ type: 'unlimited' })).toBe('Unlimited');
  });
});

describe('material', () => {
  it('is what one side has more of', () => {
    const fen = 'rnbqkb1r/pppppppp/8/8/8/8/PPPPPPP1/RNBQKBNR w KQkq - 0 1';
    expect(leadOf(fen, 'white', 'standard')).toEqual({ roles: ['knight'], points: 2 });
    expect(leadOf(fen, 'black', 'standard')).toEqual({ roles: ['pawn'], points: 0 });
    expect(leadOf(fen, 'white', 'horde')).toEqual({ roles: [], points: 0 });
  });
});
