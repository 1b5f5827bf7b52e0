import type { ChatLine } from "./ChatLine";
import type { Clock } from "./Clock";
import type { Color } from "./Color";
import type { Player } from "./Player";
import type { Presence } from "./Presence";
import type { Reason } from "./Reason";
import type { Speed } from "./Speed";
import type { Status } from "./Status";
import type { Variant } from "./Variant";

export type Snapshot = { game: string, v: number, reset?: boolean, variant: Variant, speed: Speed, rated: boolean, initial_fen: string, moves: string, fen: string, ply: number, turn: Color, white: Player | null, black: Player | null, clock: Clock | null, days?: number, move_by?: number, status: Status, winner?: Color, reason?: Reason, draw_offer?: Color, takeback_offer?: Color, rematch_offer?: Color, next?: string, seat: Color | null, presence: Presence, watchers: number, created_at: number, at: number, now: number, chat: Array<ChatLine>, };
