export type ClaimAt = { white?: number, black?: number, };
