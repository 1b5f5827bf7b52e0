import type { Answer } from "./Answer";
import type { ChatLine } from "./ChatLine";
import type { ClaimAt } from "./ClaimAt";
import type { Clock } from "./Clock";
import type { Color } from "./Color";
import type { DrawAction } from "./DrawAction";
import type { ErrorCode } from "./ErrorCode";
import type { Lag } from "./Lag";
import type { Player } from "./Player";
import type { Playing } from "./Playing";
import type { RatingChange } from "./RatingChange";
import type { Reason } from "./Reason";
import type { Seek } from "./Seek";
import type { Snapshot } from "./Snapshot";
import type { Status } from "./Status";
import type { User } from "./User";

export type ServerMsg =
  | { "t": "hello", user: User | null, now: number, node: string, ping_ms: number, expires_at?: number, playing: Array<Playing>, }
  | { "t": "pong", re?: number, now: number, heads: { [key in string]?: number }, }
  | { "t": "game", re?: number, } & Snapshot
  | { "t": "move", game: string, v: number, ply: number, uci: string, san: string, fen: string, clock?: Clock | null, at: number, now: number, lag?: Lag, move_by?: number, }
  | { "t": "draw", game: string, v: number, by: Color, do: DrawAction, }
  | { "t": "takeback", game: string, v: number, by: Color, do: Answer, ply?: number, fen?: string, clock?: Clock | null, at?: number, now?: number, move_by?: number, }
  | { "t": "rematch", game: string, v: number, by: Color, do: Answer, next?: string, }
  | { "t": "time", game: string, v: number, to: Color, ms: number, clock: Clock | null, at: number, now: number, }
  | { "t": "end", game: string, v: number, status: Status, winner?: Color, reason?: Reason, clock?: Clock | null, at?: number, now?: number, }
  | { "t": "ratings", game: string, white: RatingChange, black: RatingChange, }
  | { "t": "presence", game: string, white: boolean, black: boolean, claim_at?: ClaimAt, now: number, }
  | { "t": "crowd", game: string, watchers: number, }
  | { "t": "chat", game: string, } & ChatLine
  | { "t": "game_start", game: string, color: Color, opponent: Player | null, }
  | { "t": "seeks", re?: number, list?: Array<Seek>, add?: Array<Seek>, remove?: Array<string>, }
  | { "t": "status", store: "ok" | "unavailable", games?: Array<string>, }
  | { "t": "draining", reconnect_within_ms: number, }
  | { "t": "ok", re: number, v?: number, replicated?: boolean, expires_at?: number, }
  | { "t": "error", re?: number, code: ErrorCode, message: string, retry_after_ms?: number, };
