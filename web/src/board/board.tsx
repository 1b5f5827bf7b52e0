// A chess board to play on or to look at; it and still.tsx alone know chessground. It shows exactly what its properties say
// and reports what the player did by hand. It does not know the rules, nor whether a move was taken.
import '@lichess-org/chessground/assets/chessground.base.css';
import '@lichess-org/chessground/assets/chessground.cburnett.css';
import './board.css';
import { Chessground } from '@lichess-org/chessground';
import type { Api } from '@lichess-org/chessground/api';
import type { Config } from '@lichess-org/chessground/config';
import type { Key } from '@lichess-org/chessground/types';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Role } from '../core/position';
import type { Color } from '../protocol';
import { Promotion, type PromotionChoice } from './promotion';

/** What a player can do on the board, all of it by hand. */
export interface BoardEvents {
  onMove(from: string, to: string): void;
  onDrop(role: Role, to: string): void;
  onPremove(from: string, to: string): void;
  onPredrop(role: Role, to: string): void;
  onPremoveCleared(): void;
  /** A square was touched; for putting down a piece that was chosen in a pocket. */
  onSquare?(square: string): void;
}

/** Starts a drag from outside of the board, i.e. from a pocket. */
export interface BoardHandle {
  dragIn(role: Role, color: Color, event: MouseEvent | TouchEvent): void;
}

export interface BoardProps {
  readonly fen: string;
  readonly orientation: Color;
  readonly turn: Color;
  readonly lastMove: readonly string[];
  readonly check: Color | undefined;
  /** Whose pieces may be moved or premoved here now; nothing: the board is only looked at. */
  readonly mover: Color | undefined;
  readonly destinations: ReadonlyMap<string, readonly string[]>;
  readonly premove: string | null;
  /** Squares to mark, e.g. where a chosen pocket piece may go. */
  readonly marked: readonly string[];
  readonly promotion: PromotionChoice | undefined;
  /** Counts up when the board must return to its properties, e.g. after a move that was not taken. */
  readonly revision: number;
  readonly events: BoardEvents;
  readonly handle?: { current: BoardHandle | null };
}

const ANIMATION_MS = 180;

export function Board(props: BoardProps) {
  const element = useRef<HTMLDivElement>(null);
  const api = useRef<Api | null>(null);
  // chessground keeps the callbacks it was created with; they must reach the newest properties.
  const events = useRef(props.events);
  events.current = props.events;
  const hadPremove = useRef(false);
  const drawn = useRef('');

  useLayoutEffect(() => {
    if (element.current === null) return undefined;
    const board = Chessground(element.current, fixedConfig(events));
    board.set({ ...configOf(props), fen: props.fen, animation: { enabled: false } });
    board.set({ animation: { enabled: !isMotionReduced() } });
    api.current = board;
    if (props.handle !== undefined) {
      props.handle.current = {
        dragIn: (role, color, event) => {
          event.preventDefault();
          board.dragNewPiece({ role, color }, event);
        },
      };
    }
    return () => {
      board.destroy();
      api.current = null;
    };
    // The board lives as long as its element; later properties go through the effect below.
  }, []);

  useLayoutEffect(() => {
    const board = api.current;
    if (board === null) return;
    const isStalePremove = props.premove === null && hadPremove.current;
    hadPremove.current = props.premove !== null;
    if (isStalePremove || props.mover === undefined || props.mover === props.turn) {
      board.cancelPremove();
      board.cancelPredrop();
    }
    if (props.mover === undefined) board.selectSquare(null);
    // A FEN wipes drawn arrows and a piece that is being dragged in, so it is set only when it says something new.
    const toDraw = `${props.fen} ${props.revision}`;
    const held = board.state.draggable.current;
    board.set(drawn.current === toDraw ? configOf(props) : { ...configOf(props), fen: props.fen });
    if (held?.newPiece === true) board.state.pieces.set(held.orig, held.piece);
    drawn.current = toDraw;
  }, [
    props.fen,
    props.orientation,
    props.turn,
    props.lastMove.join(),
    props.check,
    props.mover,
    props.destinations,
    props.premove,
    props.marked.join(),
    props.revision,
  ]);

  useEffect(() => {
    // The size follows the layout, and chessground caches it.
    if (element.current === null) return undefined;
    const observer = new ResizeObserver(() => api.current?.redrawAll());
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const cancel = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape') return;
      api.current?.cancelPremove();
      api.current?.cancelPredrop();
      api.current?.selectSquare(null);
      // A premove that was put down by two touches is not the board's own.
      events.current.onPremoveCleared();
    };
    const cancelByRightClick = (): void => {
      api.current?.cancelPremove();
      api.current?.cancelPredrop();
      events.current.onPremoveCleared();
    };
    const board = element.current;
    document.addEventListener('keydown', cancel);
    board?.addEventListener('contextmenu', cancelByRightClick);
    return () => {
      document.removeEventListener('keydown', cancel);
      board?.removeEventListener('contextmenu', cancelByRightClick);
    };
  }, []);

  return (
    <div class="board" data-playable={props.mover !== undefined} data-fen={props.fen}>
      <div ref={element} class="cg-wrap" />
      {props.promotion === undefined ? null : <Promotion {...props.promotion} orientation={props.orientation} />}
    </div>
  );
}

function configOf(props: BoardProps): Config {
  const isPlayable = props.mover !== undefined;
  const isTurn = isPlayable && props.mover === props.turn;
  const squareClasses = new Map<Key, string>();
  for (const square of props.marked) squareClasses.set(square as Key, 'move-dest');
  if (props.premove?.[1] === '@') squareClasses.set(props.premove.slice(2, 4) as Key, 'current-premove');
  return {
    orientation: props.orientation,
    turnColor: props.turn,
    lastMove: props.lastMove as Key[],
    check: props.check ?? false,
    highlight: { custom: squareClasses },
    movable: {
      color: props.mover ?? 'white',
      dests: isTurn ? (props.destinations as Map<Key, Key[]>) : new Map<Key, Key[]>(),
    },
    premovable: { enabled: isPlayable && !isTurn },
    predroppable: { enabled: isPlayable && !isTurn },
    draggable: { enabled: isPlayable },
    selectable: { enabled: isPlayable },
  };
}

function fixedConfig(events: { current: BoardEvents }): Config {
  return {
    coordinates: true,
    autoCastle: true,
    blockTouchScroll: false,
    disableContextMenu: true,
    animation: { enabled: false, duration: ANIMATION_MS },
    drawable: { enabled: true },
    movable: {
      free: false,
      showDests: true,
      rookCastle: true,
      events: {
        after: (from, to) => events.current.onMove(from, to),
        afterNewPiece: (role, to) => events.current.onDrop(role, to),
      },
    },
    premovable: {
      showDests: true,
      castle: true,
      events: {
        set: (from, to) => events.current.onPremove(from, to),
        unset: () => events.current.onPremoveCleared(),
      },
    },
    predroppable: {
      events: {
        set: (role, to) => events.current.onPredrop(role, to),
        unset: () => events.current.onPremoveCleared(),
      },
    },
    events: { select: (square) => events.current.onSquare?.(square) },
  };
}

function isMotionReduced(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
