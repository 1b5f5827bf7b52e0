// The ten variants as the page needs them: where they start, what may be played, what is in hand.
import { describe, expect, it } from 'vitest';
import type { Variant } from '../protocol';
import { variantNames } from './format';
import {
  checksLeft,
  destinations,
  dropSquares,
  mayClaimDraw,
  playFrom,
  pocketOf,
  promotionsOf,
  readPosition,
  replay,
  sideInCheck,
  startFen,
} from './position';

describe.each(Object.keys(variantNames) as Variant[])('%s', (variant) => {
  it('can be read from its start and has moves', () => {
    const position = readPosition(variant, startFen(variant));
    expect(position).toBeDefined();
    expect(position !== undefined && destinations(position, variant).size).toBeGreaterThan(0);
  });
});

describe('positions', () => {
  it('of crazyhouse have pockets and take drops', () => {
    const played = replay('crazyhouse', startFen('crazyhouse'), ['e2e4', 'd7d5', 'e4d5', 'd8d5', 'P@e4']);
    expect(played.map(({ san }) => san)).toEqual(['e4', 'd5', 'exd5', 'Qxd5', '@e4']);
    const position = readPosition('crazyhouse', played[3]?.fen ?? '');
    if (position === undefined) throw new Error('unreadable');
    expect(pocketOf(position, 'white')?.get('pawn')).toBe(1);
    expect(dropSquares(position, 'pawn')).toContain('e4');
    expect(dropSquares(position, 'pawn')).not.toContain('e1');
    expect(dropSquares(position, 'queen')).toEqual([]);
  });

  it('of three-check count down', () => {
    const played = replay('threeCheck', startFen('threeCheck'), ['e2e4', 'e7e5', 'f1b5', 'a7a6', 'b5d7']);
    const position = readPosition('threeCheck', played.at(-1)?.fen ?? '');
    expect(position !== undefined && checksLeft(position)).toEqual({ white: 2, black: 3 });
    expect(position !== undefined && sideInCheck(position)).toBe('black');
  });

  it('of atomic explode', () => {
    const played = replay('atomic', startFen('atomic'), ['g1f3', 'a7a6', 'f3g5', 'a6a5', 'g5f7']);
    expect(played.at(-1)?.fen).toContain('rnbq3r/1pppp1pp');
  });

  it('of antichess may promote to a king', () => {
    const position = readPosition('antichess', '8/P7/8/8/8/8/8/7k w - - 0 1');
    expect(position !== undefined && promotionsOf(position, 'a7', 'a8', 'antichess')).toContain('king');
  });

  it('offer both ways to castle to the hand', () => {
    const position = readPosition('standard', 'r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1');
    const targets = position === undefined ? [] : (destinations(position, 'standard').get('e1') ?? []);
    expect(targets).toEqual(expect.arrayContaining(['g1', 'h1', 'c1', 'a1']));
  });

  it('are not changed by trying a move', () => {
    const position = readPosition('standard', startFen('standard'));
    if (position === undefined) throw new Error('unreadable');
    expect(playFrom(position, 'e2e4')?.san).toBe('e4');
    expect(playFrom(position, 'e2e5')).toBeUndefined();
    expect(position.turn).toBe('white');
  });

  it('stop to replay at the first move that is not legal', () => {
    expect(replay('standard', startFen('standard'), ['e2e4', 'e2e4', 'e7e5'])).toHaveLength(1);
    expect(replay('standard', 'nonsense', ['e2e4'])).toEqual([]);
  });
});

describe('a draw may be claimed', () => {
  const start = startFen('standard');
  const shuffle = ['g1f3', 'g8f6', 'f3g1', 'f6g8'];
  it.each([
    ['after the second time', shuffle, false],
    ['after the third time', [...shuffle, ...shuffle], true],
    ['after another move', [...shuffle, ...shuffle, 'e2e4'], false],
  ])('%s', (_name, moves, expected) => {
    expect(mayClaimDraw(start, replay('standard', start, moves))).toBe(expected);
  });

  it('after fifty moves', () => {
    const fen = '7k/8/8/8/8/8/R7/K7 w - - 99 90';
    expect(mayClaimDraw(fen, replay('standard', fen, ['a2b2']))).toBe(true);
  });
});
