import type { Player } from "./Player";
import type { SeekClock } from "./SeekClock";
import type { Variant } from "./Variant";

export type Seek = { seek: string, user: Player, clock?: SeekClock, days?: number, variant: Variant, rated: boolean, color: string, };
