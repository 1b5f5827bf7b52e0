// The one WebSocket of the page: opens it, keeps it alive with pings, and opens it again after any loss. Frames are
// decoded here and handed on; what they mean is the hub's business. Clock, timers and constructor are given from outside.
import { HttpError } from '../core/api';
import { formatSpan } from '../core/format';
import type { Link } from '../core/hub';
import type { Timers } from '../core/outbox';
import { refusalWords } from '../core/words';
import type { ClientFrame, ServerMsg } from '../protocol';
import { decode } from '../protocol/decode';
import { pauseBefore } from './backoff';

/** The part of a browser's WebSocket that is used. */
export type RawSocket = Pick<WebSocket, 'onopen' | 'onclose' | 'onmessage' | 'send' | 'close'>;

/** What the socket is given. */
export interface SocketParts {
  readonly timers: Timers;
  connect(protocols: string[]): RawSocket;
  /** The token to open with. */
  token(): Promise<string>;
  /** Called after two failed opens or a 4401: makes sure that the token is a good one, or gets another. */
  renewToken(): Promise<void>;
}

export interface SocketEvents {
  onFrame(msg: ServerMsg): void;
  /** `delay`: why the server wants it later, and when, in words. */
  onLink(link: Link, delay?: string): void;
}

/** No answer to a ping for this long: the line is dead. */
const PONG_WAIT_MS = 8000;
/** The same after a wake-up or a change of network, when the line probably is dead. */
const WAKE_WAIT_MS = 2500;
/** An attempt that neither opens nor fails is given up after this. */
const OPEN_WAIT_MS = 10_000;
const DEFAULT_PING_MS = 5000;
/** How long a close with this code asks to be left alone, at least: restarting, rate-limited, overloaded. */
const CALM_DOWN_MS: Readonly<Record<number, number>> = { 1012: 500, 1008: 8000, 1013: 2000 };

/** Longer than this nobody waits, whatever the server says. */
const MAX_ASKED_PAUSE_MS = 60_000;

const CLOSE = { leaving: 1000, badToken: 4401 } as const;

export class Socket {
  #raw: RawSocket | undefined;
  #isOpen = false;
  #isStarted = false;
  #attempt = 0;
  #failedOpens = 0;
  #pingMs = DEFAULT_PING_MS;
  #cancelTimer: (() => void) | undefined;
  #cancelPing: (() => void) | undefined;
  #cancelPongWait: (() => void) | undefined;
  #cancelDrain: (() => void) | undefined;
  #generation = 0;
  /** Nothing was lost yet: the page is only just opening its line. */
  #isFirst = true;

  constructor(
    private readonly parts: SocketParts,
    private readonly events: SocketEvents,
  ) {}

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#open();
  }

  /** Leaves on purpose. */
  stop(): void {
    this.#isStarted = false;
    this.#abandon(CLOSE.leaving);
  }

  transmit(frame: ClientFrame): boolean {
    if (!this.#isOpen || this.#raw === undefined) return false;
    this.#raw.send(JSON.stringify(frame));
    return true;
  }

  /** Drops the line, if there is one, and opens another at once. */
  reconnect(): void {
    if (!this.#isStarted) return;
    this.#abandon(CLOSE.leaving);
    this.#open();
  }

  /** The network came back, the page became visible or woke up: try now, or make sure that the line still lives. */
  nudge(): void {
    if (!this.#isStarted) return;
    if (this.#isOpen) {
      this.#ping(WAKE_WAIT_MS);
    } else if (this.#raw === undefined && this.#cancelTimer !== undefined) {
      this.#attempt = 0;
      this.#open();
    }
  }

  #open(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#generation += 1;
    const generation = this.#generation;
    this.events.onLink(this.#isFirst ? 'connecting' : 'lost');
    void this.#openWithToken(generation).catch((error: unknown) => {
      if (generation === this.#generation) this.#failed(error);
    });
  }

  async #openWithToken(generation: number): Promise<void> {
    if (this.#failedOpens >= 2) {
      this.#failedOpens = 0;
      await this.parts.renewToken();
    }
    const token = await this.parts.token();
    if (generation !== this.#generation || !this.#isStarted) return;
    const raw = this.parts.connect(['zeitnot.v1', `bearer.${token}`]);
    this.#raw = raw;
    this.#cancelTimer = this.parts.timers.after(OPEN_WAIT_MS, () => this.#closed(generation, 0));
    raw.onopen = () => this.#opened(generation);
    raw.onclose = ({ code }) => this.#closed(generation, code);
    raw.onmessage = ({ data }) => this.#frame(generation, data);
  }

  #opened(generation: number): void {
    if (generation !== this.#generation) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#isOpen = true;
    this.#failedOpens = 0;
    this.#schedulePing();
  }

  #frame(generation: number, data: unknown): void {
    if (generation !== this.#generation || typeof data !== 'string') return;
    const decoded = decode(data);
    if (decoded.kind !== 'msg') return;
    const { msg } = decoded;
    this.#cancelPongWait?.();
    this.#cancelPongWait = undefined;
    if (msg.t === 'hello') {
      this.#attempt = 0;
      this.#isFirst = false;
      this.#pingMs = msg.ping_ms > 0 ? msg.ping_ms : DEFAULT_PING_MS;
    } else if (msg.t === 'draining') {
      const moment = msg.reconnect_within_ms * this.parts.timers.random();
      this.#cancelDrain?.();
      this.#cancelDrain = this.parts.timers.after(moment, () => this.reconnect());
    }
    this.events.onFrame(msg);
  }

  #closed(generation: number, code: number): void {
    if (generation !== this.#generation) return;
    const wasOpen = this.#isOpen;
    this.#abandon(CLOSE.leaving);
    if (!this.#isStarted) return;
    if (code === CLOSE.badToken) this.#failedOpens = 2;
    else if (!wasOpen) this.#failedOpens += 1;
    const calmDown = CALM_DOWN_MS[code] ?? 0;
    this.#retry(calmDown * (1 + this.parts.timers.random()));
  }

  /** There is no token. A server that gave none may have said when it will. */
  #failed(error: unknown): void {
    this.#abandon(CLOSE.leaving);
    if (!(error instanceof HttpError) || error.retryAfterMs === undefined) this.#retry(0);
    else this.#retry(Math.min(error.retryAfterMs, MAX_ASKED_PAUSE_MS), refusalWords(error.code, error.message));
  }

  #retry(atLeastMs: number, why?: string): void {
    const { timers } = this.parts;
    const pause = atLeastMs + pauseBefore(this.#attempt, timers.random());
    this.#attempt += 1;
    this.#isFirst = false;
    this.events.onLink('lost', why === undefined ? undefined : `${why} Asked again in ${formatSpan(pause)}.`);
    this.#cancelTimer = timers.after(pause, () => this.#open());
  }

  /** Forgets the present socket, whatever state it is in; its later events mean nothing. */
  #abandon(code: number): void {
    this.#generation += 1;
    for (const cancel of [this.#cancelTimer, this.#cancelPing, this.#cancelPongWait, this.#cancelDrain]) cancel?.();
    this.#cancelTimer = this.#cancelPing = this.#cancelPongWait = this.#cancelDrain = undefined;
    const raw = this.#raw;
    this.#raw = undefined;
    this.#isOpen = false;
    if (raw === undefined) return;
    raw.onopen = raw.onclose = raw.onmessage = null;
    raw.close(code);
  }

  #schedulePing(): void {
    this.#cancelPing?.();
    this.#cancelPing = this.parts.timers.after(this.#pingMs, () => {
      this.#ping(PONG_WAIT_MS);
      this.#schedulePing();
    });
  }

  #ping(waitMs: number): void {
    if (!this.transmit({ t: 'ping' })) return;
    if (this.#cancelPongWait !== undefined && waitMs >= PONG_WAIT_MS) return;
    this.#cancelPongWait?.();
    this.#cancelPongWait = this.parts.timers.after(waitMs, () => this.reconnect());
  }
}
