// The pieces a side holds in hand. They can be dragged onto the board, or chosen and put down by a second touch.
import { createElement } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { pocketRoles, type Pocket as Pieces, type Role } from '../core/position';
import type { Color } from '../protocol';

interface PocketProps {
  readonly color: Color;
  readonly pieces: Pieces;
  readonly isUsable: boolean;
  readonly chosen: Role | null;
  onChoose(role: Role | null): void;
  onDrag(role: Role, event: MouseEvent | TouchEvent): void;
}

export function Pocket({ color, pieces, isUsable, chosen, onChoose, onDrag }: PocketProps) {
  return (
    <div class="pocket cg-wrap" role="group" aria-label={`${color} pocket`}>
      {pocketRoles.map((role) => (
        <PocketPiece
          key={role}
          role={role}
          color={color}
          count={pieces.get(role) ?? 0}
          isUsable={isUsable}
          isChosen={chosen === role}
          onChoose={onChoose}
          onDrag={onDrag}
        />
      ))}
    </div>
  );
}

interface PocketPieceProps {
  readonly role: Role;
  readonly color: Color;
  readonly count: number;
  readonly isUsable: boolean;
  readonly isChosen: boolean;
  onChoose(role: Role | null): void;
  onDrag(role: Role, event: MouseEvent | TouchEvent): void;
}

function PocketPiece({ role, color, count, isUsable, isChosen, onChoose, onDrag }: PocketPieceProps) {
  const element = useRef<HTMLButtonElement>(null);
  const isLive = isUsable && count > 0;

  useEffect(() => {
    // Not through JSX: a touch must be listened to actively, or the page would scroll under the piece.
    const button = element.current;
    if (button === null || !isLive) return undefined;
    const start = (event: MouseEvent | TouchEvent): void => {
      if (event instanceof MouseEvent && event.button !== 0) return;
      onChoose(isChosen ? null : role);
      onDrag(role, event);
    };
    button.addEventListener('mousedown', start);
    button.addEventListener('touchstart', start, { passive: false });
    return () => {
      button.removeEventListener('mousedown', start);
      button.removeEventListener('touchstart', start);
    };
  }, [isLive, isChosen, role, onChoose, onDrag]);

  return (
    <button
      ref={element}
      type="button"
      class="pocket-piece"
      data-count={count}
      disabled={!isLive}
      aria-pressed={isChosen}
      aria-label={`${role}, ${count} in hand`}
    >
      {createElement('piece', { class: `${role} ${color}` })}
      {count > 1 ? <span class="pocket-count">{count}</span> : null}
    </button>
  );
}
