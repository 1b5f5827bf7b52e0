export type Reason = "agreement" | "threefold" | "fifty" | "fivefold" | "seventyfive" | "dead" | "maxPlies" | "cannotMate";
