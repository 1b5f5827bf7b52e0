// What a player can do besides moving. Giving up takes two steps. It shows no offers; status-panel.tsx does.
import './actions.css';
import { useEffect, useState } from 'preact/hooks';
import { isRunning, type Game } from '../core/game';
import type { GameStore } from '../core/store';
import { Icon } from './icon';

interface ActionsProps {
  readonly store: GameStore;
  readonly game: Game;
}

/** How long the second step of giving up stays open. */
const SURE_MS = 3000;

export function Actions({ store, game }: ActionsProps) {
  const [asked, setAsked] = useState<'resign' | null>(null);

  useEffect(() => {
    if (asked === null) return undefined;
    const timer = setTimeout(() => setAsked(null), SURE_MS);
    return () => clearTimeout(timer);
  }, [asked]);

  if (game.seat === null || !isRunning(game)) return null;
  if (asked === 'resign') {
    return (
      <div class="actions" data-asking="true">
        <button type="button" class="button actions-no" onClick={() => setAsked(null)}>
          Play on
        </button>
        <button
          type="button"
          class="button button-danger"
          onClick={() => {
            setAsked(null);
            store.resign();
          }}
        >
          <Icon name="flag" />
          Yes, resign
        </button>
      </div>
    );
  }
  const busy = store.busy.value;
  const canAbort = game.played.length < 2;
  // One negotiation at a time.
  const isNegotiating = game.offers.draw !== undefined || game.offers.takeback !== undefined;
  const mayClaim = store.mayClaimDraw.value;
  const hasMoved = game.played.length > (game.seat === 'white' ? 0 : 1);
  return (
    <div class="actions">
      <button
        type="button"
        class="button action"
        disabled={!hasMoved || busy.has('takeback') || isNegotiating}
        onClick={() => store.takeback('offer')}
      >
        <Icon name="undo" />
        <span>Takeback</span>
      </button>
      <button
        type="button"
        class="button action"
        data-strong={mayClaim}
        disabled={game.played.length < 2 || busy.has('draw') || (isNegotiating && !mayClaim)}
        onClick={() => store.draw(mayClaim ? 'claim' : 'offer')}
      >
        <Icon name="half" />
        <span>{mayClaim ? 'Claim draw' : 'Draw'}</span>
      </button>
      {game.limits === null ? null : (
        <button type="button" class="button action" disabled={busy.has('give_time')} onClick={() => store.giveTime()}>
          <Icon name="clock" />
          <span>+15 s</span>
        </button>
      )}
      {canAbort ? (
        <button type="button" class="button action" disabled={busy.has('abort')} onClick={() => store.abort()}>
          <Icon name="cross" />
          <span>Abort</span>
        </button>
      ) : (
        <button type="button" class="button action" disabled={busy.has('resign')} onClick={() => setAsked('resign')}>
          <Icon name="flag" />
          <span>Resign</span>
        </button>
      )}
    </div>
  );
}
