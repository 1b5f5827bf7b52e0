// Numbers and names as people read them. No sentences: those are in words.ts.
import type { Color, SeekClock, TimeTerms, Variant } from '../protocol';
import { TENTHS_BELOW_MS } from './clock';

/** A pace of play, without the server's words for it. */
export type Pace = Omit<Extract<TimeTerms, { type: 'clock' }>, 'show'> | Exclude<TimeTerms, { type: 'clock' }>;

export const variantNames: { readonly [V in Variant]: string } = {
  standard: 'Standard',
  chess960: 'Chess960',
  crazyhouse: 'Crazyhouse',
  antichess: 'Antichess',
  atomic: 'Atomic',
  horde: 'Horde',
  kingOfTheHill: 'King of the Hill',
  racingKings: 'Racing Kings',
  threeCheck: 'Three-check',
  fromPosition: 'From position',
};

/** Time on a clock, e.g. `1:02:03`, `3:00`, and below ten seconds `0:09.4`. Rounds down: a shown zero is a zero. */
export function formatClock(ms: number): string {
  const left = Math.max(0, ms);
  const seconds = Math.floor(left / 1000);
  const tail = `${pad(seconds % 60)}`;
  if (left < TENTHS_BELOW_MS) return `0:${tail}.${Math.floor((left % 1000) / 100)}`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}:${tail}` : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${tail}`;
}

/** A long span in its largest two units, e.g. `2 days 4 h`, `35 min`, `12 s`. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return `${days} ${days === 1 ? 'day' : 'days'} ${hours % 24} h`;
}

/** A span that is counted in seconds, e.g. `0:12`; from an hour on in its largest two units. Rounds up. */
export function formatCountdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return seconds < 3600 ? `${Math.floor(seconds / 60)}:${pad(seconds % 60)}` : formatSpan(ms);
}

/** How long something has waited, e.g. `0:07`. Rounds down. */
export function formatWaited(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${pad(seconds % 60)}`;
}

/** Initial time and increment, e.g. `5+3`, `½+0`, `45s+1`. Seconds in. */
export function formatTimeControl(limit: number, increment: number): string {
  const fractions: Readonly<Record<number, string>> = { 15: '¼', 30: '½', 45: '¾' };
  const minutes = Math.floor(limit / 60);
  const fraction = fractions[limit % 60];
  const base =
    limit % 60 === 0 ? `${minutes}` : fraction === undefined ? `${limit}s` : `${minutes > 0 ? minutes : ''}${fraction}`;
  return `${base}+${increment}`;
}

/** A challenge's clock in a few words, e.g. `5+3`, `3 days a move`, `Unlimited`. */
export function formatPace(pace: Pace): string {
  if (pace.type === 'clock') return formatTimeControl(pace.limit, pace.increment);
  if (pace.type === 'unlimited') return 'Unlimited';
  return pace.daysPerTurn === 1 ? '1 day a move' : `${pace.daysPerTurn} days a move`;
}

/** A seek's time in a few words, e.g. `5+3`, `3 days a move`. */
export function formatTerms({ clock, days }: { readonly clock?: SeekClock; readonly days?: number }): string {
  if (clock !== undefined) return formatTimeControl(clock.limit, clock.increment);
  return days === undefined ? 'Unlimited' : formatPace({ type: 'correspondence', daysPerTurn: days });
}

export function colorName(color: Color): string {
  return color === 'white' ? 'White' : 'Black';
}

export function opposite(color: Color): Color {
  return color === 'white' ? 'black' : 'white';
}

function pad(n: number): string {
  return String(n).padStart(2, '0');
}
