import type { Color } from "./Color";

export type Clock = { initial: number, increment: number, white: number, black: number, running: Color | null, };
