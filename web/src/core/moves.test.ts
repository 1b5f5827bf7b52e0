// Notation tables: what a hand does on the board, and what the wire carries for it.
import { describe, expect, it } from 'vitest';
import type { Variant } from '../protocol';
import { dropUciOf, isSameMove, squaresOf, toWireUci, uciOf } from './moves';
import { readPosition } from './position';

const castling = 'r3k2r/pppppppp/8/8/8/8/PPPPPPPP/R3K2R w KQkq - 0 1';
const shuffled = 'brkr4/pppppppp/8/8/8/8/PPPPPPPP/BRKR4 w KQkq - 0 1';
const innerRooks = '1r2k1r1/pppppppp/8/8/8/8/PPPPPPPP/1R2K1R1 w GBgb - 0 1';

describe('toWireUci', () => {
  const cases: ReadonlyArray<readonly [string, Variant, string, string, string]> = [
    ['king two squares', 'standard', castling, 'e1g1', 'e1g1'],
    ['king takes rook', 'standard', castling, 'e1h1', 'e1g1'],
    ['long', 'standard', castling, 'e1a1', 'e1c1'],
    ['black', 'standard', castling.replace(' w ', ' b '), 'e8h8', 'e8g8'],
    ['chess960 from the standard squares', 'chess960', castling, 'e1g1', 'e1h1'],
    ['chess960', 'chess960', shuffled, 'c1d1', 'c1d1'],
    ['from a position with standard squares', 'fromPosition', castling, 'e1h1', 'e1g1'],
    ['from a position with inner rooks', 'fromPosition', innerRooks, 'e1g1', 'e1g1'],
    ['no castling', 'standard', castling, 'e2e4', 'e2e4'],
    ['promotion', 'standard', '8/P7/8/8/8/8/8/K1k5 w - - 0 1', 'a7a8n', 'a7a8n'],
  ];
  it.each(cases)('%s', (_name, variant, fen, byHand, wire) => {
    const position = readPosition(variant, fen);
    if (position === undefined) throw new Error(`unreadable ${fen}`);
    expect(toWireUci(position, byHand, variant)).toBe(wire);
    expect(isSameMove(position, byHand, wire)).toBe(true);
  });

  it('is nothing for nonsense', () => {
    const position = readPosition('standard', castling);
    expect(position !== undefined && toWireUci(position, 'castle', 'standard')).toBeUndefined();
  });
});

describe('notation', () => {
  it('of moves by hand', () => {
    expect(uciOf('e7', 'e8', 'queen')).toBe('e7e8q');
    expect(uciOf('g1', 'f3')).toBe('g1f3');
    expect(dropUciOf('knight', 'f3')).toBe('N@f3');
  });
  it('of the squares to mark', () => {
    expect(squaresOf('e7e8q')).toEqual(['e7', 'e8']);
    expect(squaresOf('P@e4')).toEqual(['e4']);
    expect(squaresOf('0000')).toEqual([]);
  });
});
