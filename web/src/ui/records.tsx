// The game to take away: PGN and FEN to copy, and its link.
import './records.css';
import { useState } from 'preact/hooks';
import { failureWords } from '../core/api';
import type { Game } from '../core/game';
import type { GameStore } from '../core/store';
import { useClient } from './client';
import { copyText } from './copy';
import { Icon } from './icon';

interface RecordsProps {
  readonly store: GameStore;
  readonly game: Game;
}

export function Records({ store, game }: RecordsProps) {
  const { api, hub } = useClient();
  const [isBusy, setBusy] = useState(false);

  const copy = async (name: string, text: () => Promise<string>): Promise<void> => {
    setBusy(true);
    try {
      const isDone = await copyText(await text());
      hub.notify(isDone ? `${name} copied.` : `This browser does not allow copying. Select the ${name} by hand.`);
    } catch (error) {
      hub.notify(failureWords(error));
    }
    setBusy(false);
  };

  return (
    <div class="records">
      <button type="button" class="button" disabled={isBusy} onClick={() => void copy('PGN', () => api.pgn(game.id))}>
        <Icon name="copy" />
        PGN
      </button>
      <button
        type="button"
        class="button"
        disabled={isBusy}
        onClick={() => void copy('FEN', () => Promise.resolve(store.shown.peek()?.fen ?? game.fen))}
      >
        <Icon name="copy" />
        FEN
      </button>
      <button
        type="button"
        class="button"
        disabled={isBusy}
        onClick={() => void copy('Link', () => Promise.resolve(`${location.origin}/${game.id}`))}
      >
        <Icon name="share" />
        Link
      </button>
    </div>
  );
}
