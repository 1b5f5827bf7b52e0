// The choice of a piece for a pawn that reached the last rank, laid over its file. It plays nothing itself.
import { createElement } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Role } from '../core/position';
import type { Color } from '../protocol';

export interface PromotionChoice {
  readonly to: string;
  readonly color: Color;
  readonly roles: readonly Role[];
  onChoose(role: Role): void;
  onCancel(): void;
}

export function Promotion(props: PromotionChoice & { readonly orientation: Color }) {
  const { to, color, roles, onChoose, onCancel, orientation } = props;

  useEffect(() => {
    const cancel = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') onCancel();
    };
    document.addEventListener('keydown', cancel);
    return () => document.removeEventListener('keydown', cancel);
  }, [onCancel]);

  const file = to.charCodeAt(0) - 'a'.charCodeAt(0);
  const column = orientation === 'white' ? file : 7 - file;
  const isAtTop = (to[1] === '8') === (orientation === 'white');
  return (
    <div class="promotion" onClick={onCancel}>
      {/* cg-wrap: the piece images are written for it */}
      <div class="promotion-column cg-wrap" data-side={isAtTop ? 'top' : 'bottom'} style={{ left: `${column * 12.5}%` }}>
        {roles.map((role, index) => (
          <button
            key={role}
            type="button"
            class="promotion-piece"
            aria-label={`Promote to ${role}`}
            autoFocus={index === 0}
            onClick={(event) => {
              event.stopPropagation();
              onChoose(role);
            }}
          >
            {createElement('piece', { class: `${role} ${color}` })}
          </button>
        ))}
      </div>
    </div>
  );
}
