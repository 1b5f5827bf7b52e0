// Who is at the board, and what one may do about an opponent who left.
import { expect, it } from 'vitest';
import { ManualTimers } from '../../tests/support/manual-timers';
import { GAME, Referee } from '../../tests/support/referee';
import type { ClientFrame, ServerMsg } from '../protocol';
import { claimAt, hasOpponentLeft, type Game } from './game';
import { Hub } from './hub';
import { GameStore } from './store';

/** White after `1.e4 e5 2.Nf3`, with a server that answers claims as the test says. */
function seated(moves: readonly string[] = ['e2e4', 'e7e5', 'g1f3']): { hub: Hub; store: GameStore; timers: ManualTimers; answers: ServerMsg[]; game: () => Game } {
  const timers = new ManualTimers();
  timers.pass(1_000_000);
  const referee = new Referee();
  for (const uci of moves) referee.play(uci);
  const answers: ServerMsg[] = [];
  const respond = (frame: ClientFrame): boolean => {
    const answer = frame.t === 'watch' ? referee.snapshot('white', frame.id) : frame.t === 'claim' ? answers.shift() : undefined;
    if (answer !== undefined) timers.after(0, () => hub.receive({ ...answer, ...('re' in answer ? { re: frame.id ?? 0 } : {}) } as ServerMsg));
    return true;
  };
  const hub: Hub = new Hub({ transmit: respond, reconnect: () => undefined }, timers);
  hub.receive({ t: 'hello', user: null, now: 0, node: 'n', ping_ms: 5000, playing: [] });
  const store = hub.watch(GAME, (id, around) => new GameStore(id, around));
  timers.pass(0);
  const game = (): Game => {
    const game = store.game.value;
    if (game === null) throw new Error('there is no game');
    return game;
  };
  return { hub, store, timers, answers, game };
}

const gone: ServerMsg = { t: 'presence', game: GAME, white: true, black: false, claim_at: { white: 95_000 }, now: 83_000 };

it('an opponent who left may be claimed from after the span that the server said, on the clock of this page', () => {
  const { hub, timers, game } = seated();
  expect([claimAt(game()), hasOpponentLeft(game())]).toEqual([undefined, false]);
  hub.receive(gone);
  expect([claimAt(game()), hasOpponentLeft(game())]).toEqual([timers.now() + 12_000, true]);
  hub.receive({ t: 'presence', game: GAME, white: true, black: true, now: 84_000 });
  expect([claimAt(game()), hasOpponentLeft(game())]).toEqual([undefined, false]);
});

it('nothing is claimed at one’s own move, by spectators, or after the end', () => {
  const { hub, game } = seated(['e2e4', 'e7e5']);
  hub.receive(gone);
  expect([claimAt(game()), hasOpponentLeft(game())]).toEqual([undefined, true]);
  const running = { ...game(), turn: 'black' as const };
  expect(claimAt(running)).toBeDefined();
  expect(claimAt({ ...running, seat: null })).toBeUndefined();
  expect(claimAt({ ...running, status: 'resign' })).toBeUndefined();
});

it('a claim before its time is refused in words, and may be made when the server says', () => {
  const { hub, store, timers, answers, game } = seated();
  hub.receive(gone);
  timers.pass(12_000);
  answers.push({ t: 'error', re: 0, code: 'not_allowed', message: 'the opponent may still come back', retry_after_ms: 3000 });
  store.claim('win');
  timers.pass(1);
  expect(hub.notices.value[0]?.text).toBe('Not possible: the opponent may still come back. Try again in 3 s.');
  expect(claimAt(game())).toBe(timers.now() - 1 + 3000);
});

it('a claim on an opponent who is back asks for the game as it is', () => {
  const { hub, store, timers, answers, game } = seated();
  hub.receive(gone);
  answers.push({ t: 'error', re: 0, code: 'not_allowed', message: 'the opponent has not left' });
  store.claim('draw');
  timers.pass(1);
  expect([claimAt(game()), hasOpponentLeft(game())]).toEqual([undefined, false]);
});

it('spectators are counted as they are told', () => {
  const { hub, game } = seated();
  hub.receive({ t: 'crowd', game: GAME, watchers: 7 });
  expect(game().watchers).toBe(7);
});
