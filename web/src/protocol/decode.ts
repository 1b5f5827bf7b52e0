// Reads one text frame of the server into a ServerMsg, or says that it is none. Each field that the page relies on is
// checked; unknown fields pass and unknown `t` are told apart, so that a newer server does no harm. It applies nothing.
import type { Challenge, ServerMsg } from './index';

type Check = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Check>>;

export type Decoded =
  | { readonly kind: 'msg'; readonly msg: ServerMsg }
  | { readonly kind: 'unknown'; readonly t: string }
  | { readonly kind: 'bad'; readonly why: string };

const text: Check = (v) => typeof v === 'string';
const number: Check = (v) => typeof v === 'number' && Number.isFinite(v);
const whole: Check = (v) => Number.isInteger(v);
const truth: Check = (v) => typeof v === 'boolean';
const color: Check = (v) => v === 'white' || v === 'black';
const maybe = (check: Check): Check => (v) => v === undefined || check(v);
const orNull = (check: Check): Check => (v) => v === null || check(v);
const list = (check: Check): Check => (v) => Array.isArray(v) && v.every((item) => check(item));
const record: Check = (v) => typeof v === 'object' && v !== null && !Array.isArray(v);
const shape =
  (fields: Shape): Check =>
  (v) =>
    record(v) && misfit(v as Record<string, unknown>, fields) === undefined;

const player = shape({ id: text, name: text, title: maybe(text), rating: maybe(number), guest: truth });
const clock = shape({ initial: number, increment: number, white: number, black: number, running: orNull(color) });
const claimAt = shape({ white: maybe(number), black: maybe(number) });
const presence = shape({ white: truth, black: truth, claim_at: maybe(claimAt) });
const author = shape({ id: text, name: text });
const line: Shape = { room: text, n: whole, user: author, text };
const seekClock = shape({ limit: number, increment: number });
const seek = shape({
  seek: text,
  user: player,
  clock: maybe(seekClock),
  days: maybe(number),
  variant: text,
  rated: truth,
  color: text,
});
const terms = shape({ type: text, limit: maybe(number), increment: maybe(number), daysPerTurn: maybe(number) });
const challenge: Shape = {
  id: text,
  status: text,
  variant: shape({ key: text, name: text }),
  timeControl: terms,
  rated: truth,
  initialFen: maybe(text),
  white: maybe(orNull(player)),
  black: maybe(orNull(player)),
};
const rating = shape({ before: number, after: number });

const shapes: { readonly [T in ServerMsg['t']]: Shape } = {
  hello: {
    user: orNull(player),
    now: number,
    node: text,
    ping_ms: number,
    expires_at: maybe(number),
    playing: list(shape({ game: text, color, opponent: maybe(orNull(player)) })),
  },
  pong: { re: maybe(whole), now: number, heads: record },
  game: {
    re: maybe(whole),
    game: text,
    v: whole,
    reset: maybe(truth),
    variant: text,
    speed: text,
    rated: truth,
    initial_fen: text,
    moves: text,
    fen: text,
    ply: whole,
    turn: color,
    white: orNull(player),
    black: orNull(player),
    clock: orNull(clock),
    days: maybe(number),
    move_by: maybe(number),
    status: text,
    winner: maybe(color),
    reason: maybe(text),
    draw_offer: maybe(color),
    takeback_offer: maybe(color),
    rematch_offer: maybe(color),
    next: maybe(text),
    seat: orNull(color),
    presence: maybe(presence),
    watchers: whole,
    at: number,
    now: number,
    chat: list(shape(line)),
  },
  move: {
    game: text,
    v: whole,
    ply: whole,
    uci: text,
    san: text,
    fen: text,
    clock: maybe(orNull(clock)),
    at: number,
    now: number,
    move_by: maybe(number),
  },
  draw: { game: text, v: whole, by: color, do: text },
  takeback: { game: text, v: whole, by: color, do: text, ply: maybe(whole), fen: maybe(text), clock: maybe(orNull(clock)) },
  rematch: { game: text, v: whole, by: color, do: text, next: maybe(text) },
  time: { game: text, v: whole, to: color, ms: number, clock: maybe(orNull(clock)) },
  end: { game: text, v: whole, status: text, winner: maybe(color), reason: maybe(text), clock: maybe(orNull(clock)) },
  ratings: { game: text, white: rating, black: rating },
  presence: { game: text, white: truth, black: truth, claim_at: maybe(claimAt), now: number },
  crowd: { game: text, watchers: whole },
  chat: { game: text, ...line },
  game_start: { game: text, color, opponent: maybe(orNull(player)) },
  challenge: { challenge: shape(challenge) },
  challenge_declined: { challenge: shape(challenge) },
  challenge_canceled: { challenge: shape(challenge) },
  seeks: { re: maybe(whole), list: maybe(list(seek)), add: maybe(list(seek)), remove: maybe(list(text)) },
  status: { store: text, games: maybe(list(text)) },
  draining: { reconnect_within_ms: number },
  ok: { re: whole, v: maybe(whole), replicated: maybe(truth), expires_at: maybe(number) },
  error: { re: maybe(whole), code: text, message: text, retry_after_ms: maybe(number) },
};

/** Decodes one text frame. A field that is null where the protocol has none counts as absent. */
export function decode(frame: string): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    return { kind: 'bad', why: 'not JSON' };
  }
  if (!record(value)) return { kind: 'bad', why: 'not an object' };
  const fields = value as Record<string, unknown>;
  const t = fields['t'];
  if (typeof t !== 'string') return { kind: 'bad', why: 'no t' };
  if (!isKnown(t)) return { kind: 'unknown', t };
  const expected = shapes[t];
  for (const [name, check] of Object.entries(expected)) {
    if (fields[name] === null && !check(null)) delete fields[name];
  }
  const wrong = misfit(fields, expected);
  if (wrong !== undefined) return { kind: 'bad', why: `${t}.${wrong}` };
  return { kind: 'msg', msg: fields as ServerMsg };
}

/** A challenge as the HTTP API answers it, with what this page reads of it checked. */
export function isChallenge(value: unknown): value is Challenge {
  return shape(challenge)(value);
}

function isKnown(t: string): t is ServerMsg['t'] {
  return Object.hasOwn(shapes, t);
}

function misfit(value: Record<string, unknown>, fields: Shape): string | undefined {
  for (const [name, check] of Object.entries(fields)) {
    if (!check(value[name])) return name;
  }
  return undefined;
}
