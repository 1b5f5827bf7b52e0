// The moves so far, each a button that shows its position; a ribbon on small screens. Looking back changes nothing in the game.
import './move-list.css';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { sideToMove } from '../core/position';
import type { Game } from '../core/game';
import type { GameStore } from '../core/store';
import { Icon } from './icon';

interface MoveListProps {
  readonly store: GameStore;
  readonly game: Game;
}

export function MoveList({ store, game }: MoveListProps) {
  const list = useRef<HTMLOListElement>(null);
  const line = store.line.value;
  const shownPly = store.shown.value?.ply ?? 0;
  const startsBlack = sideToMove(game.initialFen) === 'black';
  const firstNumber = Number(game.initialFen.split(' ').at(-1)) || 1;

  useLayoutEffect(() => {
    const box = list.current;
    const current = box?.querySelector<HTMLElement>('[aria-current]');
    if (box === null || current === null || current === undefined) {
      box?.scrollTo(0, 0);
      return;
    }
    // Not scrollIntoView: that would move the page as well.
    box.scrollTo({
      top: current.offsetTop - box.clientHeight / 2,
      left: current.offsetLeft - box.clientWidth / 2,
    });
  }, [shownPly, line.length]);

  return (
    <div class="moves">
      <ol ref={list} class="moves-list" aria-label="Moves" data-empty={line.length === 0}>
        {line.length === 0 ? <li class="moves-none muted small">No moves yet</li> : null}
        {startsBlack && line.length > 0 ? (
          <>
            <li class="moves-number">{firstNumber}.</li>
            <li class="moves-gap">…</li>
          </>
        ) : null}
        {line.flatMap((played, index) => {
          const half = index + (startsBlack ? 1 : 0);
          const isUnconfirmed = index >= game.played.length;
          const item = (
            <li key={index + 1}>
              <button
                type="button"
                class="move"
                aria-current={shownPly === index + 1 ? 'step' : undefined}
                data-unconfirmed={isUnconfirmed}
                onClick={() => store.look(index + 1)}
              >
                {played.san}
              </button>
            </li>
          );
          const number = (
            <li key={`n${index}`} class="moves-number">
              {firstNumber + half / 2}.
            </li>
          );
          return half % 2 === 0 ? [number, item] : [item];
        })}
      </ol>
      <Browse store={store} shownPly={shownPly} length={line.length} />
    </div>
  );
}

interface BrowseProps {
  readonly store: GameStore;
  readonly shownPly: number;
  readonly length: number;
}

function Browse({ store, shownPly, length }: BrowseProps) {
  const isLive = store.isLive.value;
  return (
    <div class="moves-browse">
      <button type="button" class="button button-icon" aria-label="First position" disabled={shownPly === 0} onClick={() => store.look(0)}>
        <Icon name="first" />
      </button>
      <button type="button" class="button button-icon" aria-label="Previous move" disabled={shownPly === 0} onClick={() => store.look(shownPly - 1)}>
        <Icon name="previous" />
      </button>
      <button type="button" class="button button-icon" aria-label="Next move" disabled={isLive} onClick={() => store.look(shownPly + 1)}>
        <Icon name="next" />
      </button>
      <button type="button" class="button button-icon moves-live" data-live={isLive} disabled={isLive} aria-label="Newest position" onClick={() => store.look(length)}>
        {isLive ? <Icon name="last" /> : 'Live'}
      </button>
    </div>
  );
}
