// What the HTTP API says about an open challenge: a game that still waits for its players. It is read with the same
// caution as a frame. It does not fetch anything.
import type { Color, Player, Variant } from './index';

export type TimeControl =
  | { readonly type: 'clock'; readonly limit: number; readonly increment: number; readonly show?: string }
  | { readonly type: 'correspondence'; readonly daysPerTurn: number }
  | { readonly type: 'unlimited' };

export interface Challenge {
  readonly id: string;
  readonly url: string;
  readonly status: string;
  readonly variant: { readonly key: Variant; readonly name: string };
  readonly timeControl: TimeControl;
  readonly rated: boolean;
  readonly initialFen?: string;
  readonly seats: Readonly<Record<Color, Player | null>>;
}

/** Reads a challenge as `POST /api/challenge/open` and `GET /api/challenge/{id}` answer it. */
export function decodeChallenge(value: unknown): Challenge | undefined {
  // Older answers of this API nest it under `challenge`.
  const outer = asRecord(value);
  const from = asRecord(outer?.['challenge']) ?? outer;
  const id = from?.['id'];
  if (from === undefined || typeof id !== 'string') return undefined;
  const variant = asRecord(from['variant']);
  const initialFen = from['initialFen'];
  return {
    id,
    url: typeof from['url'] === 'string' ? from['url'] : `/${id}`,
    status: typeof from['status'] === 'string' ? from['status'] : 'created',
    variant: {
      key: (typeof variant?.['key'] === 'string' ? variant['key'] : 'standard') as Variant,
      name: typeof variant?.['name'] === 'string' ? variant['name'] : 'Standard',
    },
    timeControl: readTimeControl(asRecord(from['timeControl'])),
    rated: from['rated'] === true,
    ...(typeof initialFen === 'string' && initialFen !== 'startpos' ? { initialFen } : {}),
    seats: { white: readPlayer(from['white']), black: readPlayer(from['black']) },
  };
}

function readTimeControl(value: Record<string, unknown> | undefined): TimeControl {
  const limit = value?.['limit'];
  const increment = value?.['increment'];
  const days = value?.['daysPerTurn'];
  if (value?.['type'] === 'clock' && typeof limit === 'number' && typeof increment === 'number') {
    return { type: 'clock', limit, increment };
  }
  if (value?.['type'] === 'correspondence' && typeof days === 'number') {
    return { type: 'correspondence', daysPerTurn: days };
  }
  return { type: 'unlimited' };
}

function readPlayer(value: unknown): Player | null {
  const player = asRecord(value);
  const id = player?.['id'];
  const name = player?.['name'];
  if (typeof id !== 'string' || typeof name !== 'string') return null;
  return { id, name, guest: player?.['guest'] === true };
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
