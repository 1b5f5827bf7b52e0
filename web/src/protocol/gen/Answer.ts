export type Answer = "offer" | "accept" | "decline";
