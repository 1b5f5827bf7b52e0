import type { Color } from "./Color";
import type { Player } from "./Player";

export type Playing = { game: string, color: Color, opponent: Player | null, };
