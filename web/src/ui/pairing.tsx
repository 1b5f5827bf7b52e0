// Quick pairing: a tile for each usual time. A click seeks an opponent, the next one ends it; another tile moves the seek.
import './pairing.css';
import { formatTerms, formatWaited, variantNames } from '../core/format';
import type { Link } from '../core/hub';
import { isSameWish, type Wish } from '../core/lobby';
import { presets, speedName, type Preset } from '../core/pace';
import type { Waiting } from '../core/seeking';
import { useClient } from './client';
import { useTick } from './tick';

interface PairingProps {
  /** What to do for a game of other terms. */
  onCustom(): void;
}

const wishOf = ({ limit, increment }: Preset): Wish => ({ variant: 'standard', color: 'random', clock: { limit, increment } });

export function Pairing({ onCustom }: PairingProps) {
  const { hub } = useClient();
  const { seeking } = hub;
  const waiting = seeking.waiting.value;
  const chosen = waiting === null ? undefined : (presets.find((one) => isSameWish(wishOf(one), waiting.wish))?.key ?? 'custom');
  return (
    <div class="pairing">
      <div class="pairing-grid" role="group" aria-label="Quick pairing">
        {presets.map((one) => (
          <Tile
            key={one.key}
            name={one.key}
            hint={speedName(one.limit, one.increment)}
            waiting={chosen === one.key ? waiting : null}
            isDim={chosen !== undefined && chosen !== one.key}
            onClick={() => seeking.toggle(wishOf(one))}
          />
        ))}
        <Tile
          name="Custom"
          hint="Your terms"
          waiting={chosen === 'custom' ? waiting : null}
          isDim={chosen !== undefined && chosen !== 'custom'}
          onClick={() => (chosen === 'custom' ? seeking.cancel() : onCustom())}
        />
      </div>
      <div class="pairing-state">
        <p class="small" role="status" data-tone={seeking.problem.value === null ? 'calm' : 'bad'}>
          {stateWords(waiting, seeking.problem.value, hub.link.value)}
        </p>
        {waiting === null ? null : (
          <button type="button" class="button" onClick={() => seeking.cancel()}>
            Cancel
          </button>
        )}
      </div>
    </div>
  );
}

interface TileProps {
  readonly name: string;
  readonly hint: string;
  readonly waiting: Waiting | null;
  readonly isDim: boolean;
  onClick(): void;
}

function Tile({ name, hint, waiting, isDim, onClick }: TileProps) {
  return (
    <button type="button" class="tile" aria-pressed={waiting !== null} data-dim={isDim} onClick={onClick}>
      <strong>{name}</strong>
      <small>{waiting === null ? hint : <Waited since={waiting.since} />}</small>
    </button>
  );
}

/** For how long the seek has waited. Not for those who listen: it would be said every second. */
function Waited({ since }: { since: number }) {
  const now = useTick(250, true);
  return (
    <>
      <span class="visually-hidden">Waiting</span>
      <span class="tile-waited" aria-hidden="true">
        {formatWaited(now - since)}
      </span>
    </>
  );
}

function stateWords(waiting: Waiting | null, problem: string | null, link: Link): string {
  if (problem !== null) return problem;
  if (waiting === null) return 'Choose a time, and play whoever chooses the same.';
  if (link !== 'live') return 'The line is down. The seek goes out as soon as it is back.';
  if (waiting.delay !== undefined) return waiting.delay;
  const { variant, color } = waiting.wish;
  const details = [formatTerms(waiting.wish), ...(variant === 'standard' ? [] : [variantNames[variant]]), ...(color === 'random' ? [] : [`with ${color}`])];
  return `Looking for an opponent: ${details.join(', ')}.`;
}
