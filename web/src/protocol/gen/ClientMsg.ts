import type { Answer } from "./Answer";
import type { ClaimResult } from "./ClaimResult";
import type { Color } from "./Color";
import type { DrawAction } from "./DrawAction";
import type { Room } from "./Room";
import type { SeekClock } from "./SeekClock";
import type { Variant } from "./Variant";

export type ClientMsg =
  | { "t": "watch", id?: number, game: string, v?: number, }
  | { "t": "unwatch", id?: number, game: string, }
  | { "t": "move", id?: number, game: string, uci: string, ply: number, v?: number, think?: number, draw?: boolean, }
  | { "t": "resign", id?: number, game: string, v?: number, }
  | { "t": "abort", id?: number, game: string, v?: number, }
  | { "t": "berserk", id?: number, game: string, v?: number, }
  | { "t": "draw", id?: number, game: string, do: DrawAction, v?: number, }
  | { "t": "takeback", id?: number, game: string, do: Answer, v?: number, }
  | { "t": "rematch", id?: number, game: string, do: Answer, v?: number, }
  | { "t": "give_time", id?: number, game: string, v?: number, }
  | { "t": "claim", id?: number, game: string, do: ClaimResult, v?: number, }
  | { "t": "flag", id?: number, game: string, }
  | { "t": "say", id?: number, game: string, room: Room, text: string, key?: string, }
  | { "t": "lobby", id?: number, }
  | { "t": "unlobby", id?: number, }
  | { "t": "seek", id?: number, clock?: SeekClock, days?: number, variant?: Variant, rated?: boolean, color?: Color | "random", rating?: [number, number], }
  | { "t": "unseek", id?: number, seek?: string, }
  | { "t": "auth", id?: number, token: string, }
  | { "t": "ping", id?: number, };
