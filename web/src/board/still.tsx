// A small board that is only looked at: no moves, no drawing, no animation.
import '@lichess-org/chessground/assets/chessground.base.css';
import '@lichess-org/chessground/assets/chessground.cburnett.css';
import './board.css';
import { Chessground } from '@lichess-org/chessground';
import type { Api } from '@lichess-org/chessground/api';
import type { Key } from '@lichess-org/chessground/types';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Color } from '../protocol';

interface StillProps {
  readonly fen: string;
  readonly orientation?: Color;
  readonly lastMove?: readonly string[];
}

export function Still({ fen, orientation = 'white', lastMove = [] }: StillProps) {
  const element = useRef<HTMLDivElement>(null);
  const api = useRef<Api | null>(null);

  useLayoutEffect(() => {
    if (element.current === null) return undefined;
    const board = Chessground(element.current, {
      viewOnly: true,
      coordinates: false,
      drawable: { enabled: false, visible: false },
      animation: { enabled: false },
    });
    api.current = board;
    const observer = new ResizeObserver(() => board.redrawAll());
    observer.observe(element.current);
    return () => {
      observer.disconnect();
      board.destroy();
    };
  }, []);

  useLayoutEffect(() => {
    api.current?.set({ fen, orientation, lastMove: lastMove as Key[] });
  }, [fen, orientation, lastMove.join()]);

  return (
    <div class="board board-still" aria-hidden="true">
      <div ref={element} class="cg-wrap" />
    </div>
  );
}
