export type ClaimResult = "win" | "draw";
