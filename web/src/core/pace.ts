// The paces of play that the start page offers, within the server's limits. It makes no game.
import { formatTimeControl, type Pace } from './format';

export interface Preset {
  readonly key: string;
  readonly limit: number;
  readonly increment: number;
}

const preset = (limit: number, increment: number): Preset => ({ key: formatTimeControl(limit, increment), limit, increment });

/** Minutes and seconds as players know them: where most opponents are found. */
export const presets: readonly Preset[] = [
  preset(60, 0),
  preset(120, 1),
  preset(180, 0),
  preset(180, 2),
  preset(300, 0),
  preset(300, 3),
  preset(600, 0),
  preset(600, 5),
  preset(900, 10),
  preset(1800, 0),
  preset(1800, 20),
];

/** Steps of the slider for the initial time, in seconds: fine where it matters, up to three hours. */
export const limitSteps: readonly number[] = [
  0, 15, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 720, 900, 1200, 1500, 1800, 2700, 3600, 5400, 7200, 10_800,
];

/** Steps of the slider for the increment, in seconds. */
export const incrementSteps: readonly number[] = [0, 1, 2, 3, 5, 8, 10, 12, 15, 20, 25, 30, 45, 60, 90, 120, 150, 180];

export const dayChoices: readonly number[] = [1, 2, 3, 5, 7, 10, 14];

/** What is wrong with a pace, or nothing. */
export function paceProblem(pace: Pace): string | undefined {
  if (pace.type === 'clock' && pace.limit === 0 && pace.increment === 0) {
    return 'A game needs some time: raise the minutes or the increment.';
  }
  return undefined;
}

/** A pace in one word, as players call it. */
export function speedName(limit: number, increment: number): string {
  const estimate = limit + 40 * increment;
  if (estimate < 30) return 'UltraBullet';
  if (estimate < 180) return 'Bullet';
  if (estimate < 480) return 'Blitz';
  return estimate < 1500 ? 'Rapid' : 'Classical';
}
