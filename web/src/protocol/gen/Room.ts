export type Room = "players" | "spectators";
