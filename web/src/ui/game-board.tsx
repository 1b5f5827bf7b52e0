// A game's store and a board put together: what the player does by hand becomes moves, premoves and drops.
import { useCallback, useMemo, useRef, useState } from 'preact/hooks';
import { Board, type BoardEvents, type BoardHandle } from '../board/board';
import type { PromotionChoice } from '../board/promotion';
import { isRunning, type Game } from '../core/game';
import { dropUciOf, uciOf } from '../core/moves';
import { destinations, dropSquares, promotionsOf, sideInCheck, type Position, type Role } from '../core/position';
import type { GameStore } from '../core/store';
import type { Color } from '../protocol';

/** A piece chosen in the own pocket, and the way to drag one. */
export interface Hand {
  readonly chosen: Role | null;
  choose(role: Role | null): void;
  drag(role: Role, event: MouseEvent | TouchEvent): void;
  readonly handle: { current: BoardHandle | null };
}

/** What is in the player's hand in variants with drops. */
export function useHand(color: Color | null): Hand {
  const handle = useRef<BoardHandle | null>(null);
  const [chosen, choose] = useState<Role | null>(null);
  const drag = useCallback(
    (role: Role, event: MouseEvent | TouchEvent) => {
      if (color !== null) handle.current?.dragIn(role, color, event);
    },
    [color],
  );
  return useMemo(() => ({ chosen, choose: (role) => choose(role), drag, handle }), [chosen, drag]);
}

interface GameBoardProps {
  readonly store: GameStore;
  readonly game: Game;
  readonly orientation: Color;
  readonly hand: Hand;
}

interface Promoting {
  readonly from: string;
  readonly to: string;
  readonly roles: readonly Role[];
}

const none: ReadonlyMap<string, readonly string[]> = new Map();

export function GameBoard({ store, game, orientation, hand }: GameBoardProps) {
  const [revision, setRevision] = useState(0);
  const [promoting, setPromoting] = useState<Promoting | null>(null);
  const shown = store.shown.value;
  const position = store.position.value;
  const seat = isRunning(game) && store.isLive.value && !store.frozen.value ? game.seat : null;
  const isTurn = seat !== null && store.isMyTurn.value;
  const legal = useMemo(
    () => (isTurn && position !== undefined ? destinations(position, game.variant) : none),
    [isTurn, position, game.variant],
  );
  const marked = isTurn && position !== undefined && hand.chosen !== null ? dropSquares(position, hand.chosen) : [];

  const restore = (): void => setRevision((n) => n + 1);
  const played = (isPlayed: boolean): void => {
    hand.choose(null);
    if (!isPlayed) restore();
  };
  const events: BoardEvents = {
    onMove: (from, to) => {
      const roles = position === undefined ? [] : promotionsOf(position, from, to, game.variant);
      if (roles.length > 0) setPromoting({ from, to, roles });
      else played(store.play(uciOf(from, to)));
    },
    onDrop: (role, to) => played(store.play(dropUciOf(role, to))),
    onPremove: (from, to) => {
      const roles = position === undefined ? [] : promotionsOf(position, from, to, game.variant);
      store.setPremove(uciOf(from, to, roles[0]));
    },
    onPredrop: (role, to) => store.setPremove(dropUciOf(role, to)),
    onPremoveCleared: () => store.setPremove(null),
    onSquare: (square) => {
      if (store.premove.value?.[1] === '@') store.setPremove(null);
      if (hand.chosen === null) return;
      const uci = dropUciOf(hand.chosen, square);
      if (isTurn && marked.includes(square)) played(store.play(uci));
      else if (seat !== null && !isTurn) store.setPremove(uci);
      hand.choose(null);
    },
  };

  const isPromoting = promoting !== null && isTurn && isStillPawn(position, promoting);
  const promotion: PromotionChoice | undefined =
    !isPromoting || seat === null
      ? undefined
      : {
          to: promoting.to,
          color: seat,
          roles: promoting.roles,
          onChoose: (role) => {
            setPromoting(null);
            played(store.play(uciOf(promoting.from, promoting.to, role)));
          },
          onCancel: () => {
            setPromoting(null);
            restore();
          },
        };

  if (shown === null) return null;
  return (
    <Board
      fen={shown.fen}
      orientation={orientation}
      turn={position?.turn ?? game.turn}
      lastMove={shown.lastMove}
      check={position === undefined ? undefined : sideInCheck(position)}
      mover={isPromoting ? undefined : (seat ?? undefined)}
      destinations={legal}
      premove={store.premove.value}
      marked={marked}
      promotion={promotion}
      revision={revision}
      events={events}
      handle={hand.handle}
    />
  );
}

function isStillPawn(position: Position | undefined, { from, to }: Promoting): boolean {
  return position !== undefined && promotionsOf(position, from, to, 'standard').length > 0;
}
