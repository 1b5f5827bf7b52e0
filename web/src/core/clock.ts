// A chess clock as the page paints it between two frames. The server's clock is the truth; this one only counts down from
// its last word and never decides that a flag has fallen.
import type { Clock, Color } from '../protocol';

/** Two clocks, true at one local moment. All ms; `since` is on the scale of the caller's `now`. */
export interface Ticking {
  readonly white: number;
  readonly black: number;
  readonly running: Color | null;
  readonly since: number;
}

/** Below this the tenths are shown. */
export const TENTHS_BELOW_MS = 10_000;

export function tickingFrom(clock: Clock, receivedAt: number): Ticking {
  return { white: clock.white, black: clock.black, running: clock.running, since: receivedAt };
}

/** What one side has left at `now`; never below zero. */
export function remaining(ticking: Ticking, color: Color, now: number): number {
  const spent = ticking.running === color ? Math.max(0, now - ticking.since) : 0;
  return Math.max(0, ticking[color] - spent);
}

/** The same clocks, standing still from `now` on. */
export function stopped(ticking: Ticking, now: number): Ticking {
  return {
    white: remaining(ticking, 'white', now),
    black: remaining(ticking, 'black', now),
    running: null,
    since: now,
  };
}

/** How long the text of a running clock with `ms` left stays as it is. */
export function msToNextPaint(ms: number): number {
  const step = ms <= TENTHS_BELOW_MS ? 100 : 1000;
  return (ms % step) + 1;
}

/** When a clock counts as low: an eighth of the initial time, between 10 and 60 s. */
export function lowTimeMs(initial: number): number {
  return Math.min(60_000, Math.max(10_000, initial / 8));
}
