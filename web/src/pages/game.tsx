// The page of one game: finds out what is behind its address – a running or finished game, an invitation, or nothing.
import { useEffect, useMemo } from 'preact/hooks';
import { GameStore } from '../core/store';
import { useClient } from '../ui/client';
import { Invitation } from './invitation';
import { Table } from './table';

export function GamePage({ id }: { id: string }) {
  const { hub, sitsIn } = useClient();
  const store = useMemo(() => hub.watch(id, (game, around) => new GameStore(game, around)), [hub, id]);
  useEffect(() => () => hub.leave(id), [hub, id]);

  const game = store.game.value;
  const hasSeat = game !== null && game.seat !== null;
  useEffect(() => {
    if (hasSeat) sitsIn(id);
  }, [hasSeat, id, sitsIn]);

  if (game !== null) return <Table key={id} store={store} game={game} />;
  if (store.missing.value) return <Invitation key={id} id={id} />;
  return (
    <main class="table-loading" aria-busy="true">
      <p class="muted">Fetching the game…</p>
    </main>
  );
}
