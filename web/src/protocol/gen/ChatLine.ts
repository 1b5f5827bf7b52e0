import type { Author } from "./Author";
import type { Room } from "./Room";

export type ChatLine = { room: Room, n: number, user: Author, text: string, };
