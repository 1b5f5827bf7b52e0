// What a player sees of a game whatever the line does to its frames.
import { describe, expect, it } from 'vitest';
import { ManualTimers, seeded } from '../../tests/support/manual-timers';
import { GAME, Referee } from '../../tests/support/referee';
import type { ClientFrame, Color, ServerMsg, Variant } from '../protocol';
import { Hub } from './hub';
import { GameStore, type Surroundings } from './store';

const openStore = (game: string, around: Surroundings): GameStore => new GameStore(game, around);

/** A hub whose line leads to a referee; `link` says what becomes of each message. */
class Client {
  readonly timers = new ManualTimers();
  readonly sent: ClientFrame[] = [];
  isConnected = true;
  readonly hub: Hub;
  /** What answers a message; a test may put something else here. */
  respond: (frame: ClientFrame) => ServerMsg | undefined;

  constructor(
    readonly referee: Referee,
    readonly seat: Color | null,
  ) {
    this.respond = (frame) => this.referee.answer(frame, this.seat ?? 'white');
    this.hub = new Hub(
      {
        transmit: (frame) => {
          if (!this.isConnected) return false;
          this.sent.push(frame);
          const answer = this.respond(frame);
          if (answer !== undefined) this.timers.after(0, () => this.hub.receive(answer));
          return true;
        },
        reconnect: () => this.greet(),
      },
      this.timers,
    );
    this.greet();
    this.timers.pass(0);
  }

  readonly store = () => this.hub.watch(GAME, openStore);

  greet(): void {
    this.isConnected = true;
    this.hub.receive({ t: 'hello', user: null, now: 0, node: 'n', ping_ms: 5000, playing: [] });
  }

  /** Hands over all frames of the log from `from` on. */
  deliver(from = 0): void {
    // A line keeps its order: answers that are underway come first.
    this.timers.pass(0);
    for (const frame of this.referee.frames.slice(from)) this.hub.receive(frame);
  }

  get moves(): string {
    return this.store().line.value.map(({ uci }) => uci).join(' ');
  }
}

function seated(seat: Color | null = 'white', variant: Variant = 'standard', moves = ''): Client {
  const referee = new Referee(variant);
  for (const uci of moves.split(' ').filter((one) => one !== '')) referee.play(uci);
  const client = new Client(referee, seat);
  client.store();
  client.timers.pass(0);
  client.hub.receive(referee.snapshot(seat));
  client.sent.length = 0;
  return client;
}

describe('an own move', () => {
  it('is on the board before the server has said anything', () => {
    const client = seated();
    client.respond = () => undefined;
    expect(client.store().play('e2e4')).toBe(true);
    expect(client.moves).toBe('e2e4');
    expect(client.store().shown.value?.lastMove).toEqual(['e2', 'e4']);
    expect(client.sent).toMatchObject([{ t: 'move', uci: 'e2e4', ply: 0, v: 1 }]);
  });

  it('is not sent when it is not legal, not on turn, or while an older position is looked at', () => {
    const client = seated('white', 'standard', 'e2e4 e7e5');
    expect(client.store().play('e4e5')).toBe(false);
    client.store().look(1);
    expect(client.store().play('g1f3')).toBe(false);
    client.store().look(9);
    expect(client.store().play('g1f3')).toBe(true);
    expect(client.store().play('d2d4')).toBe(false);
    expect(client.sent.filter(({ t }) => t === 'move')).toHaveLength(1);
  });

  it('goes back with a reason when the server refuses it', () => {
    const client = seated();
    client.respond = (frame) => frame.t === 'watch' ? client.referee.answer(frame, 'white') : { t: 'error', re: frame.id ?? 0, code: 'illegal_move', message: 'no' };
    client.store().play('e2e4');
    client.timers.pass(1);
    expect(client.moves).toBe('');
    expect(client.hub.notices.value[0]?.text).toBe('That move is not legal.');
  });

  it('is said again after `unavailable`, until it is taken, and counts once', () => {
    const client = seated();
    let outages = 3;
    client.respond = (frame) => {
      outages -= 1;
      return outages >= 0 ? { t: 'error', re: frame.id ?? 0, code: 'unavailable', message: 'out' } : client.referee.answer(frame, 'white');
    };
    client.store().play('e2e4');
    client.timers.pass(10_000);
    client.deliver();
    expect(client.referee.moves).toEqual(['e2e4']);
    expect(client.store().pending.value).toBeNull();
    expect(client.hub.notices.value).toEqual([]);
  });

  it('is said again after a lost line, also when the server has had it', () => {
    const client = seated();
    client.respond = (frame) => {
      client.referee.answer(frame, 'white');
      client.isConnected = false;
      return undefined;
    };
    client.store().play('e2e4');
    client.hub.lineChanged('lost');
    client.respond = (frame) => client.referee.answer(frame, 'white');
    client.greet();
    client.timers.pass(10);
    expect(client.store().pending.value).toBeNull();
    expect(client.moves).toBe('e2e4');
    expect(client.referee.moves).toEqual(['e2e4']);
  });

  it('stops the own clock at once', () => {
    const client = seated('white', 'standard', 'e2e4 e7e5');
    client.respond = () => undefined;
    client.timers.pass(2000);
    client.store().play('g1f3');
    expect(client.store().clock.value).toMatchObject({ white: 178_000, running: null });
  });

  it('asks for the game after 3 s without an answer, and for a new line after 8 s', () => {
    const client = seated();
    client.respond = () => undefined;
    client.store().play('e2e4');
    client.timers.pass(4000);
    expect(client.sent.map(({ t }) => t)).toEqual(['move', 'watch']);
    client.respond = (frame) => client.referee.answer(frame, 'white');
    client.timers.pass(6000);
    expect(client.referee.moves).toEqual(['e2e4']);
  });
});

describe('a premove', () => {
  it('is sent the moment the reply arrives, with no thinking time', () => {
    const client = seated('white', 'standard', 'e2e4');
    client.store().setPremove('g1f3');
    client.hub.receive(client.referee.play('e7e5'));
    expect(client.sent).toMatchObject([{ t: 'move', uci: 'g1f3', ply: 2, think: 0 }]);
    expect(client.store().premove.value).toBeNull();
  });

  it('vanishes when it is not legal any more', () => {
    const client = seated('white', 'standard', 'e2e4');
    client.store().setPremove('e4e5');
    client.hub.receive(client.referee.play('e7e5'));
    expect(client.sent).toEqual([]);
    expect(client.store().premove.value).toBeNull();
  });

  it('is never sent while an own move is unconfirmed', () => {
    const client = seated();
    client.respond = () => undefined;
    client.store().play('e2e4');
    client.store().setPremove('g1f3');
    client.greet();
    expect(client.sent.filter((frame) => frame.t === 'move').map((frame) => frame.t === 'move' && frame.uci)).toEqual(['e2e4', 'e2e4']);
  });

  it('is gone after a snapshot with another position, and stays after one with the same', () => {
    const client = seated('white', 'standard', 'e2e4');
    client.store().setPremove('g1f3');
    client.hub.receive(client.referee.snapshot('white'));
    expect(client.store().premove.value).toBe('g1f3');
    client.referee.play('e7e5');
    client.hub.receive(client.referee.snapshot('white'));
    expect(client.store().premove.value).toBeNull();
    expect(client.sent).toEqual([]);
  });

  it('made in the moment the reply arrived is played as a move', () => {
    const client = seated('white', 'standard', 'e2e4 e7e5');
    client.store().setPremove('g1f3');
    expect(client.sent).toMatchObject([{ t: 'move', uci: 'g1f3' }]);
  });
});

describe('happenings', () => {
  it('are told once for each move, and never for a snapshot', () => {
    const client = seated('white', 'standard', '');
    const heard: string[] = [];
    client.store().listen((happening) => heard.push(happening));
    client.store().play('e2e4');
    client.timers.pass(1);
    client.deliver();
    client.store().setPremove('g1f3');
    client.hub.receive(client.referee.play('e7e5'));
    client.hub.receive(client.referee.snapshot('white'));
    expect(heard).toEqual(['own-move', 'their-move', 'own-move']);
  });
});

describe('looking back', () => {
  it('stays where it is while moves arrive, and goes live at the end', () => {
    const client = seated('black', 'standard', 'e2e4 e7e5');
    client.store().look(1);
    client.hub.receive(client.referee.play('g1f3'));
    expect(client.store().shown.value?.ply).toBe(1);
    expect(client.store().isLive.value).toBe(false);
    client.store().look(3);
    expect(client.store().isLive.value).toBe(true);
  });
});

describe('frames', () => {
  it('that are known change nothing, and a gap asks for the game', () => {
    const client = seated(null);
    const first = client.referee.play('e2e4');
    client.hub.receive(first);
    client.hub.receive(first);
    client.referee.play('e7e5');
    client.hub.receive(client.referee.play('g1f3'));
    client.timers.pass(0);
    expect(client.sent).toMatchObject([{ t: 'watch', v: 2 }]);
    expect(client.moves).toBe('e2e4 e7e5 g1f3');
  });

  it('lost at the very end are noticed by the heads of a pong', () => {
    const client = seated(null);
    client.referee.play('e2e4');
    client.hub.receive({ t: 'pong', now: 0, heads: { [GAME]: client.referee.v } });
    client.timers.pass(600);
    expect(client.moves).toBe('e2e4');
  });

  it('of a smaller version replace everything when they are a snapshot', () => {
    const client = seated(null, 'standard', 'e2e4 e7e5');
    const earlier = new Referee();
    earlier.play('e2e4');
    client.hub.receive({ ...earlier.snapshot(null), reset: true });
    expect(client.moves).toBe('e2e4');
  });

  it('of a takeback drop the moves and the premove', () => {
    const client = seated('white', 'standard', 'e2e4 e7e5 g1f3');
    client.store().setPremove('f1c4');
    client.hub.receive(client.referee.takeBack('black', 2));
    expect(client.moves).toBe('e2e4 e7e5');
    expect(client.store().premove.value).toBeNull();
    expect(client.store().isMyTurn.value).toBe(true);
  });

  it('of an offer stand until the other side moves', () => {
    const client = seated('white', 'standard', 'e2e4');
    client.hub.receive(client.referee.note({ t: 'draw', game: GAME, v: 0, by: 'white', do: 'offer' }));
    expect(client.store().game.value?.offers.draw).toBe('white');
    client.hub.receive(client.referee.play('e7e5'));
    expect(client.store().game.value?.offers.draw).toBeUndefined();
  });

  it('of an end stop everything', () => {
    const client = seated('white', 'standard', 'e2e4 e7e5');
    client.hub.receive(client.referee.end('black'));
    expect(client.store().isMyTurn.value).toBe(false);
    expect(client.store().clock.value?.running).toBeNull();
    expect(client.store().play('g1f3')).toBe(false);
  });
});

describe('an outage of the store', () => {
  it('freezes the clocks until it is over, and then asks how they stand', () => {
    const client = seated(null, 'standard', 'e2e4 e7e5');
    client.timers.pass(1000);
    client.hub.receive({ t: 'status', store: 'unavailable' });
    client.timers.pass(5000);
    expect(client.store().clock.value).toMatchObject({ white: 179_000, running: null });
    client.hub.receive({ t: 'status', store: 'ok' });
    expect(client.sent.map(({ t }) => t)).toEqual(['watch']);
  });
});

const variants: Variant[] = ['standard', 'crazyhouse', 'antichess', 'atomic', 'horde', 'kingOfTheHill', 'racingKings', 'threeCheck'];

describe.each(variants)('a random game of %s', (variant) => {
  it.each([1, 2, 3, 4])('comes out the same through doubled, reordered and lost frames (seed %i)', (seed) => {
    const random = seeded(seed * 7919);
    const referee = new Referee(variant);
    const watcher = new Client(referee, null);
    watcher.store();
    watcher.timers.pass(0);
    let underway: ServerMsg[] = [];
    for (let ply = 0; ply < 120 && !referee.isOver; ply += 1) {
      const uci = referee.anyMove(random());
      if (uci === undefined) break;
      const known = referee.frames.length;
      referee.play(uci);
      for (const frame of referee.frames.slice(known)) {
        const chance = random();
        if (chance < 0.1) continue;
        underway.push(frame);
        if (chance < 0.25) underway.push(frame);
      }
      if (random() < 0.3) underway = underway.toSorted(() => random() - 0.5);
      if (random() < 0.7) {
        for (const frame of underway) watcher.hub.receive(frame);
        underway = [];
        watcher.timers.pass(100);
      }
    }
    watcher.hub.receive({ t: 'pong', now: 0, heads: { [GAME]: referee.v } });
    watcher.timers.pass(1000);
    const game = watcher.store().game.value;
    expect(game?.v).toBe(referee.v);
    expect(watcher.moves).toBe(referee.moves.join(' '));
    expect(watcher.store().shown.value?.fen).toBe(referee.fen);
  });

  it.each([1, 2, 3])('is played through a line that breaks, without a lost or doubled move (seed %i)', (seed) => {
    const random = seeded(seed * 104_729);
    const referee = new Referee(variant);
    const player = new Client(referee, 'white');
    player.store();
    player.timers.pass(0);
    let delivered = 0;
    let own = 0;
    const chosen: string[] = [];
    for (let round = 0; round < 400 && !referee.isOver; round += 1) {
      const chance = random();
      player.respond = (frame) => {
        const heard = random() < 0.85;
        const answer = heard ? referee.answer(frame, 'white') : undefined;
        return random() < 0.85 ? answer : undefined;
      };
      if (chance < 0.1) {
        player.isConnected = false;
        player.hub.lineChanged('lost');
      } else if (chance < 0.25) {
        player.greet();
      }
      if (player.isConnected && random() < 0.8) {
        player.deliver(delivered);
        delivered = referee.frames.length;
      }
      if (player.store().isMyTurn.value && referee.turn === 'white') {
        const uci = referee.anyMove(random());
        if (uci !== undefined && player.store().play(uci)) {
          own += 1;
          chosen.push(player.store().pending.value?.uci ?? '');
        }
      }
      player.timers.pass(500);
      if (referee.turn === 'black' && !referee.isOver && referee.moves.length < 80) {
        const uci = referee.anyMove(random());
        if (uci !== undefined) referee.play(uci);
      }
    }
    player.respond = (frame) => referee.answer(frame, 'white');
    player.greet();
    player.timers.pass(20_000);
    expect(own).toBeGreaterThan(0);
    expect(player.moves).toBe(referee.moves.join(' '));
    expect(referee.moves.filter((_, index) => index % 2 === 0)).toEqual(chosen.filter((_, index) => index < Math.ceil(referee.moves.length / 2)));
    expect(player.store().pending.value).toBeNull();
  });
});
