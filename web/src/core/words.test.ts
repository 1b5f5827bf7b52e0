// Each ending in words; a table, so that a missing one is seen.
import { describe, expect, it } from 'vitest';
import { Referee } from '../../tests/support/referee';
import type { Color, Reason, Status, Variant } from '../protocol';
import { fromSnapshot } from './game';
import { outcomeOf, refusalWords } from './words';

describe('outcomes', () => {
  const cases: ReadonlyArray<readonly [Status, Color | undefined, Reason | undefined, Variant, string]> = [
    ['mate', 'white', undefined, 'standard', '1–0 White won by checkmate'],
    ['resign', 'black', undefined, 'standard', '0–1 Black won – White resigned'],
    ['outoftime', 'black', undefined, 'standard', '0–1 Black won on time'],
    ['timeout', 'white', undefined, 'standard', '1–0 White won – Black left the game'],
    ['variantEnd', 'white', undefined, 'racingKings', '1–0 White won the race'],
    ['variantEnd', 'black', undefined, 'threeCheck', '0–1 Black won by three checks'],
    ['stalemate', undefined, undefined, 'standard', '½–½ Draw by stalemate'],
    ['draw', undefined, 'agreement', 'standard', '½–½ Draw by agreement'],
    ['draw', undefined, 'threefold', 'standard', '½–½ Draw by threefold repetition'],
    ['outoftime', undefined, 'cannotMate', 'standard', '½–½ Draw: time ran out, but the opponent cannot mate'],
    ['draw', undefined, undefined, 'standard', '½–½ Draw'],
    ['aborted', undefined, undefined, 'standard', '– Game aborted. It counts for nobody.'],
  ];
  it.each(cases)('%s %s %s %s', (status, winner, reason, variant, words) => {
    const snapshot = {
      ...new Referee(variant).snapshot(null),
      status,
      ...(winner === undefined ? {} : { winner }),
      ...(reason === undefined ? {} : { reason }),
    };
    const outcome = outcomeOf(fromSnapshot(snapshot, 0));
    expect(`${outcome?.score} ${outcome?.words}`).toBe(words);
  });

  it('are nothing while the game runs', () => {
    expect(outcomeOf(fromSnapshot(new Referee().snapshot(null), 0))).toBeUndefined();
  });
});

describe('refusals', () => {
  it('of a code that is new here are told in the server’s words', () => {
    expect(refusalWords('tired', 'come back tomorrow')).toBe('The server refused: come back tomorrow.');
    expect(refusalWords('toString', 'no')).toBe('The server refused: no.');
  });

  it('say when to try again', () => {
    expect(refusalWords('not_allowed', 'the opponent may still come back', 12_000)).toBe(
      'Not possible: the opponent may still come back. Try again in 12 s.',
    );
  });
});
