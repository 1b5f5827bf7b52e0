import type { ClaimAt } from "./ClaimAt";

export type Presence = { white: boolean, black: boolean, claim_at?: ClaimAt, };
