// How long to wait before the next attempt to connect. Pure; the socket keeps the count.

const STEPS_MS = [0, 500, 1000, 2000, 4000, 8000];

/** The pause before attempt number `attempt` (0 for the first after a loss): full jitter up to 0, .5, 1, 2, 4, 8 s. */
export function pauseBefore(attempt: number, random: number): number {
  const ceiling = STEPS_MS[Math.min(attempt, STEPS_MS.length - 1)] ?? 0;
  return Math.round(ceiling * random);
}
