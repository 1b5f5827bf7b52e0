// The list of open seeks as it is shown: a fold over the server's frames, pure. Rows never move while somebody may be about
// to click: new ones come at the end, and one that is taken keeps its place, grayed out, until it is swept away.
import type { ColorChoice, Seek, SeekClock, SeeksFrame, Variant } from '../protocol';

/** What somebody seeks, as the protocol words it: with a `clock` or with `days`. */
export interface Wish {
  readonly variant: Variant;
  readonly color: ColorChoice;
  readonly clock?: SeekClock;
  readonly days?: number;
}

export interface Row {
  /** Of this row alone; the server's ids come again when a seek changes. */
  readonly key: number;
  readonly seek: Seek;
  /** It came while the list was looked at. */
  readonly isFresh: boolean;
  /** Since when it is no longer open; local ms. */
  readonly goneAt?: number;
}

export interface SeekList {
  /** Whether the server has told what is in it. */
  readonly isTold: boolean;
  readonly rows: readonly Row[];
  /** How many rows there ever were. */
  readonly count: number;
}

/** How long a taken row stays, grayed out, at least. */
export const GONE_MS = 1000;
/** Open and taken rows together; beyond that the oldest taken ones go at once. */
const MAX_ROWS = 200;

export const unknownList: SeekList = { isTold: false, rows: [], count: 0 };

/** Takes a frame: all of the list, or what changed in it. */
export function changed(list: SeekList, frame: Omit<SeeksFrame, 're'>, now: number): SeekList {
  const told = frame.list ?? frame.add ?? [];
  const removed = new Set(frame.remove);
  const stays = ({ seek }: Row): boolean => {
    if (told.some((other) => isSameSeek(seek, other))) return true;
    // One that was changed is told anew under its old id.
    return frame.list === undefined && !removed.has(seek.seek) && !told.some((other) => other.seek === seek.seek);
  };
  const rows = list.rows.map((row) => (row.goneAt !== undefined || stays(row) ? row : { ...row, goneAt: now }));
  const isShown = (seek: Seek): boolean => rows.some((row) => row.goneAt === undefined && isSameSeek(row.seek, seek));
  const fresh = told
    .filter((seek) => !isShown(seek))
    .map((seek, index) => ({ key: list.count + index, seek, isFresh: list.isTold }));
  const all: readonly Row[] = [...rows, ...fresh];
  return {
    isTold: list.isTold || frame.list !== undefined,
    rows: bounded(all),
    count: list.count + fresh.length,
  };
}

/** Takes the rows away that have been gone for long enough to be noticed. */
export function swept(list: SeekList, now: number): SeekList {
  const rows = list.rows.filter(({ goneAt }) => goneAt === undefined || now - goneAt < GONE_MS);
  return rows.length === list.rows.length ? list : { ...list, rows };
}

/** When there is something to sweep; local ms. */
export function sweepDue(list: SeekList): number | undefined {
  const gone = list.rows.flatMap(({ goneAt }) => (goneAt === undefined ? [] : [goneAt]));
  // The newest: what goes, goes together.
  return gone.length === 0 ? undefined : Math.max(...gone) + GONE_MS;
}

/** What to seek in order to meet this one: the same, with the other color. */
export function answerTo({ variant, clock, days, color }: Seek): Wish {
  const colors = { white: 'black', black: 'white', random: 'random' } as const;
  return {
    variant,
    color: colors[color],
    ...(clock === undefined ? {} : { clock }),
    ...(days === undefined ? {} : { days }),
  };
}

export function isSameWish(one: Wish | null, other: Wish | null): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.variant === other.variant &&
    one.color === other.color &&
    one.days === other.days &&
    one.clock?.limit === other.clock?.limit &&
    one.clock?.increment === other.clock?.increment
  );
}

function isSameSeek(one: Seek, other: Seek): boolean {
  return one.seek === other.seek && one.user.name === other.user.name && one.rated === other.rated && isSameWish(one, other);
}

function bounded(rows: readonly Row[]): readonly Row[] {
  let excess = rows.length - MAX_ROWS;
  if (excess <= 0) return rows;
  return rows.filter(({ goneAt }) => {
    if (goneAt === undefined || excess <= 0) return true;
    excess -= 1;
    return false;
  });
}
