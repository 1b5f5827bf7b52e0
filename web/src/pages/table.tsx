// The table: board, players, moves, actions, chat of one game, for seats and spectators alike.
import './table.css';
import { useEffect, useState } from 'preact/hooks';
import { play } from '../audio/sound';
import { Pocket } from '../board/pocket';
import { colorName, formatTimeControl, opposite, variantNames } from '../core/format';
import { isRunning, type Game } from '../core/game';
import { pocketOf, sideToMove } from '../core/position';
import type { GameStore } from '../core/store';
import { outcomeOf } from '../core/words';
import type { Color } from '../protocol';
import { Actions } from '../ui/actions';
import { Chat } from '../ui/chat';
import { useClient } from '../ui/client';
import { GameBoard, useHand, type Hand } from '../ui/game-board';
import { Icon } from '../ui/icon';
import { MoveList } from '../ui/move-list';
import { Records } from '../ui/records';
import { StatusPanel } from '../ui/status-panel';
import { Strip } from '../ui/strip';

interface TableProps {
  readonly store: GameStore;
  readonly game: Game;
}

export function Table({ store, game }: TableProps) {
  const [isFlipped, setFlipped] = useState(false);
  const [isPanelOpen, setPanelOpen] = useState(false);
  const hand = useHand(game.seat);
  const bottom = isFlipped ? opposite(game.seat ?? 'white') : (game.seat ?? 'white');
  const unread = useUnread(store, isPanelOpen);
  useTitle(store, game);
  useKeys(store, () => setFlipped((old) => !old));
  useRematch(store, game);
  useSounds(store);

  const strip = (color: Color) => (
    <Strip store={store} game={game} color={color} position={store.position.value}>
      <HandOf store={store} game={game} color={color} hand={hand} />
    </Strip>
  );
  return (
    <main class="table" data-panel={isPanelOpen}>
      <h1 class="visually-hidden">
        {game.players.white?.name ?? 'White'} against {game.players.black?.name ?? 'Black'}
      </h1>
      <section class="table-board" aria-label="Board">
        {strip(opposite(bottom))}
        <GameBoard store={store} game={game} orientation={bottom} hand={hand} />
        {strip(bottom)}
      </section>
      <section class="table-side">
        <div class="card table-moves">
          <MoveList store={store} game={game} />
          <StatusPanel store={store} game={game} />
        </div>
        <Actions store={store} game={game} />
        <div class="table-tools">
          <button type="button" class="button button-icon" aria-label="Flip the board" onClick={() => setFlipped(!isFlipped)}>
            <Icon name="flip" />
          </button>
          <span class="table-crowd muted small" title="Spectators">
            <Icon name="eye" />
            {game.watchers}
            <span class="visually-hidden">{game.watchers === 1 ? 'spectator' : 'spectators'}</span>
          </span>
          <button
            type="button"
            class="button table-more"
            aria-expanded={isPanelOpen}
            onClick={() => setPanelOpen(!isPanelOpen)}
          >
            <Icon name={isPanelOpen ? 'cross' : 'chat'} />
            {isPanelOpen ? 'Close' : 'Chat & more'}
            {unread > 0 && !isPanelOpen ? <span class="table-unread">{unread}</span> : null}
          </button>
        </div>
      </section>
      <p class="visually-hidden" aria-live="polite">
        {announcement(store, game)}
      </p>
      <aside class="card table-info">
        <Terms game={game} />
        <Chat store={store} game={game} />
        <Records store={store} game={game} />
      </aside>
    </main>
  );
}

/** The newest move for those who listen to the page. */
function announcement(store: GameStore, game: Game): string {
  const last = store.line.value.at(-1);
  if (last === undefined) return '';
  return `${colorName(opposite(sideToMove(last.fen)))} played ${last.san}. ${outcomeOf(game)?.words ?? ''}`;
}

function Terms({ game }: { game: Game }) {
  const pace =
    game.limits !== null
      ? formatTimeControl(game.limits.initial / 1000, game.limits.increment / 1000)
      : game.days === undefined
        ? 'Unlimited'
        : `${game.days} ${game.days === 1 ? 'day' : 'days'} a move`;
  return (
    <div class="table-terms">
      <strong>
        {pace} · {variantNames[game.variant]}
      </strong>
      <span class="muted small">
        {game.rated ? 'Rated' : 'Casual'}
        {game.seat === null ? ' · you are watching' : ` · you play ${colorName(game.seat)}`}
      </span>
    </div>
  );
}

interface HandOfProps extends TableProps {
  readonly color: Color;
  readonly hand: Hand;
}

function HandOf({ store, game, color, hand }: HandOfProps) {
  const position = store.position.value;
  const pieces = position === undefined ? undefined : pocketOf(position, color);
  if (pieces === undefined) return null;
  const isOwn = game.seat === color && isRunning(game) && store.isLive.value;
  return (
    <Pocket
      color={color}
      pieces={pieces}
      isUsable={isOwn}
      chosen={isOwn ? hand.chosen : null}
      onChoose={hand.choose}
      onDrag={hand.drag}
    />
  );
}

/** The tab says whose turn it is, so that one sees it from another tab. */
function useTitle(store: GameStore, game: Game): void {
  const outcome = outcomeOf(game);
  const versus = `${game.players.white?.name ?? 'White'} – ${game.players.black?.name ?? 'Black'}`;
  const lead = outcome === undefined ? (store.isMyTurn.value ? 'Your turn' : '') : outcome.score;
  useEffect(() => {
    document.title = `${lead === '' ? '' : `${lead} · `}${versus} · Zeitnot`;
    return () => {
      document.title = 'Zeitnot';
    };
  }, [lead, versus]);
}

function useKeys(store: GameStore, flip: () => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.target instanceof HTMLInputElement || event.altKey || event.ctrlKey || event.metaKey) return;
      const ply = store.shown.peek()?.ply ?? 0;
      const length = store.line.peek().length;
      const targets: Readonly<Record<string, number>> = { ArrowLeft: ply - 1, ArrowRight: ply + 1, Home: 0, End: length };
      const target = targets[event.key];
      if (target !== undefined) store.look(target);
      else if (event.key === 'f') flip();
      else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [store, flip]);
}

/** An accepted rematch leads its players to the new game; spectators are only shown the way. */
function useRematch(store: GameStore, game: Game): void {
  const { navigate } = useClient();
  const [wasAgreed] = useState(game.next !== undefined);
  const { next, seat } = game;
  useEffect(() => {
    // Only when it is agreed here and now: who opens an old game wants to see that one.
    if (next !== undefined && seat !== null && !wasAgreed) navigate(`/${next}`);
  }, [next, seat, wasAgreed, navigate, store]);
}

function useSounds(store: GameStore): void {
  useEffect(
    () =>
      store.listen((happening) => {
        const last = store.line.peek().at(-1)?.san ?? '';
        if (happening === 'own-move' || happening === 'their-move') play(last.includes('x') ? 'capture' : 'move');
        else play(happening === 'end' ? 'end' : 'notice');
      }),
    [store],
  );
}

function useUnread(store: GameStore, isOpen: boolean): number {
  const total = store.chat.value.length;
  const [seen, setSeen] = useState(total);
  useEffect(() => {
    if (isOpen) setSeen(total);
  }, [isOpen, total]);
  return Math.max(0, total - seen);
}
