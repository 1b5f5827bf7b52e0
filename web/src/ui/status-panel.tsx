// What the game waits for or how it ended: result, offers, deadlines, an opponent who left. One line of it at a time.
import './status-panel.css';
import type { ComponentChildren } from 'preact';
import { colorName, formatCountdown, formatSpan, opposite } from '../core/format';
import { claimAt, hasOpponentLeft, isRunning, type Game } from '../core/game';
import type { GameStore } from '../core/store';
import { outcomeOf } from '../core/words';
import { useClient } from './client';
import { Icon } from './icon';
import { useTick } from './tick';

interface StatusPanelProps {
  readonly store: GameStore;
  readonly game: Game;
}

export function StatusPanel({ store, game }: StatusPanelProps) {
  return (
    <div class="status" role="status">
      {isRunning(game) ? <RunningStatus store={store} game={game} /> : <Result store={store} game={game} />}
    </div>
  );
}

function RunningStatus({ store, game }: StatusPanelProps) {
  const { seat, offers } = game;
  const busy = store.busy.value;
  if (seat !== null && offers.draw === opposite(seat)) {
    return (
      <Offer key="draw" text="Your opponent offers a draw.">
        <button type="button" class="button" data-place="middle" disabled={busy.has('draw')} onClick={() => store.draw('decline')}>
          Decline
        </button>
        <button type="button" class="button button-main" data-place="right" disabled={busy.has('draw')} onClick={() => store.draw('accept')}>
          Accept draw
        </button>
      </Offer>
    );
  }
  if (seat !== null && offers.takeback === opposite(seat)) {
    return (
      <Offer key="takeback" text="Your opponent asks to take the last move back.">
        <button type="button" class="button button-main" data-place="left" disabled={busy.has('takeback')} onClick={() => store.takeback('accept')}>
          Allow
        </button>
        <button type="button" class="button" data-place="middle" disabled={busy.has('takeback')} onClick={() => store.takeback('decline')}>
          Refuse
        </button>
      </Offer>
    );
  }
  return <Waiting store={store} game={game} />;
}

/**
 * One thing to decide on. Each answer that cannot be taken back has a place of its own: a takeback is allowed on the left, a
 * win claimed in the middle, where else only refusals are, and the right makes a draw.
 */
function Offer({ text, children }: { text: string; children: ComponentChildren }) {
  return (
    <div class="status-offer">
      <p>{text}</p>
      <div class="status-answers">{children}</div>
    </div>
  );
}

function Waiting({ store, game }: StatusPanelProps) {
  const { seat, offers, moveBy, turn } = game;
  const mayClaimAt = claimAt(game);
  const firstMove = game.played.length < 2 && moveBy !== undefined && game.limits !== null;
  const now = useTick(250, mayClaimAt !== undefined || firstMove);
  if (store.frozen.value) return <p>Paused: the server cannot take moves just now. Clocks stand still.</p>;
  if (mayClaimAt !== undefined && store.pending.value === null) {
    return <Absence store={store} left={colorName(turn)} msLeft={mayClaimAt - now} />;
  }
  if (store.premove.value !== null) return <p>Premove set. Escape or a touch on the board cancels it.</p>;
  if (firstMove && store.pending.value === null) {
    const who = seat === turn ? 'Make your first move' : `${colorName(turn)} has to make the first move`;
    return (
      <p data-tone={seat === turn ? 'mine' : undefined}>
        {who}: {formatSpan(moveBy - now)} left, or the game is aborted.
      </p>
    );
  }
  if (seat !== null && offers.draw === seat) return <p>You offered a draw. A move by your opponent declines it.</p>;
  if (seat !== null && offers.takeback === seat) return <p>You asked to take your move back.</p>;
  if (seat === null) return <p class="muted">You are watching. {colorName(turn)} to move.</p>;
  if (!store.isLive.value) return <p>You are looking back. “Live” leads to the game as it is.</p>;
  if (seat === turn && store.pending.value === null) {
    return <p data-tone="mine">{hasOpponentLeft(game) ? `Your turn. ${colorName(opposite(seat))} left.` : 'Your turn'}</p>;
  }
  return <p class="muted">Waiting for your opponent’s move</p>;
}

function Absence({ store, left, msLeft }: { store: GameStore; left: string; msLeft: number }) {
  if (msLeft > 0) {
    return (
      <p>
        {left} left. You may claim the win <Countdown msLeft={msLeft} />
      </p>
    );
  }
  const isBusy = store.busy.value.has('claim');
  return (
    <Offer key="claim" text={`${left} left the game.`}>
      <button type="button" class="button button-main" data-place="middle" disabled={isBusy} onClick={() => store.claim('win')}>
        Claim the win
      </button>
      <button type="button" class="button" data-place="right" disabled={isBusy} onClick={() => store.claim('draw')}>
        Call it a draw
      </button>
    </Offer>
  );
}

/** Seen, but not read aloud each second. */
function Countdown({ msLeft }: { msLeft: number }) {
  return (
    <>
      <span class="status-countdown" aria-hidden="true">
        in {formatCountdown(msLeft)}.
      </span>
      <span class="visually-hidden">soon.</span>
    </>
  );
}

function Result({ store, game }: StatusPanelProps) {
  const { navigate } = useClient();
  const outcome = outcomeOf(game);
  if (outcome === undefined) return null;
  const isOwnWin = game.seat !== null && game.winner === game.seat;
  return (
    <div class="status-result" data-won={isOwnWin}>
      <p>
        <strong class="status-score">{outcome.score}</strong>
        <span>{outcome.words}</span>
      </p>
      <div class="status-answers">
        <Rematch store={store} game={game} />
        <button type="button" class="button" onClick={() => navigate('/')}>
          New game
        </button>
      </div>
    </div>
  );
}

function Rematch({ store, game }: StatusPanelProps) {
  const { navigate } = useClient();
  const { seat, offers, next } = game;
  const isBusy = store.busy.value.has('rematch');
  if (next !== undefined) {
    return (
      <button type="button" class="button button-main" onClick={() => navigate(`/${next}`)}>
        Go to the {seat === null ? 'next game' : 'rematch'}
      </button>
    );
  }
  if (seat === null) return null;
  if (offers.rematch === opposite(seat)) {
    return (
      <>
        <button type="button" class="button button-main" disabled={isBusy} onClick={() => store.rematch('accept')}>
          <Icon name="again" />
          Accept rematch
        </button>
        <button type="button" class="button" disabled={isBusy} onClick={() => store.rematch('decline')}>
          Decline
        </button>
      </>
    );
  }
  const hasOffered = offers.rematch === seat;
  return (
    <button type="button" class="button button-main" disabled={isBusy || hasOffered} onClick={() => store.rematch('offer')}>
      <Icon name="again" />
      {hasOffered ? 'Rematch offered' : 'Rematch'}
    </button>
  );
}
