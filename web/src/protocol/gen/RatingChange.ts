export type RatingChange = { before: number, after: number, };
