export type SeekClock = { limit: number, increment: number, };
