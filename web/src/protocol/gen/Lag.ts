export type Lag = { elapsed: number, compensated: number, };
