export type DrawAction = "offer" | "accept" | "decline" | "claim";
