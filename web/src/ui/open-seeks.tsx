// The open seeks. A click on one seeks the same with the other color, so that the two meet; a click on the own one ends it.
// Rows keep their places while a pointer or the keyboard is among them.
import './open-seeks.css';
import { useRef } from 'preact/hooks';
import { colorName, formatTerms, variantNames } from '../core/format';
import { answerTo, type Row } from '../core/lobby';
import { useClient } from './client';
import { Side } from './side';

export function OpenSeeks() {
  const { hub } = useClient();
  const { lobby, seeking } = hub;
  const among = useRef({ pointer: false, keyboard: false });
  const me = hub.user.value?.id;
  const rows = lobby.rows.value;

  const hold = (change: { pointer?: boolean; keyboard?: boolean }): void => {
    among.current = { ...among.current, ...change };
    lobby.hold(among.current.pointer || among.current.keyboard);
  };
  return (
    <section class="card seeks" aria-labelledby="seeks-title">
      <h2 id="seeks-title">Open seeks</h2>
      <ul
        class="seeks-list"
        aria-busy={!lobby.isTold.value}
        onPointerEnter={() => hold({ pointer: true })}
        onPointerLeave={() => hold({ pointer: false })}
        onFocusIn={(event) => hold({ keyboard: (event.target as Element).matches(':focus-visible') })}
        onFocusOut={() => hold({ keyboard: false })}
      >
        {rows.map((row) => (
          <SeekRow
            key={row.key}
            row={row}
            isOwn={row.seek.user.id === me}
            onChoose={() => (row.seek.user.id === me ? seeking.cancel() : seeking.seek(answerTo(row.seek)))}
          />
        ))}
      </ul>
      {rows.length === 0 && lobby.isTold.value ? (
        <p class="muted seeks-none">Nobody is looking for a game just now. Choose a time, and you are the first.</p>
      ) : null}
    </section>
  );
}

interface SeekRowProps {
  readonly row: Row;
  readonly isOwn: boolean;
  onChoose(): void;
}

function SeekRow({ row: { seek, isFresh, goneAt }, isOwn, onChoose }: SeekRowProps) {
  const isGone = goneAt !== undefined;
  const { color } = seek;
  return (
    <li>
      <button
        type="button"
        class="seek"
        aria-disabled={isGone}
        data-own={isOwn}
        data-fresh={isFresh}
        onClick={() => (isGone ? undefined : onChoose())}
      >
        <span class="seek-who">
          <span class="seek-name" dir="auto">
            {isOwn ? 'You' : seek.user.name}
            {seek.user.rating === undefined ? null : <span class="muted"> {seek.user.rating}</span>}
          </span>
          <span class="seek-terms muted small">
            {variantNames[seek.variant]} · {seek.rated ? 'rated' : 'casual'}
          </span>
        </span>
        <span class="seek-side small">
          <Side side={color}>{color === 'random' ? 'Any color' : `Plays ${colorName(color)}`}</Side>
        </span>
        <span class="seek-pace">
          <strong>{formatTerms(seek)}</strong>
          <small class="muted">{isGone ? 'Taken' : isOwn ? 'Cancel' : 'Play'}</small>
        </span>
      </button>
    </li>
  );
}
