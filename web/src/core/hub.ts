// Everything the page knows from its one socket: who it is, which games run, the open game stores, the lobby, and whether
// the line is up. Frames go to the stores they belong to; missed ones are noticed and asked for again. It opens no socket
// itself, and makes no store of a game: that knows the rules, which the start page does without.
import { batch, signal } from '@preact/signals';
import type { ClientFrame, ClientMsg, Playing, ServerMsg, User } from '../protocol';
import { LobbyStore } from './lobby-store';
import { Outbox, type Answered, type Timers } from './outbox';
import { Seeking } from './seeking';
import type { GameStore, Surroundings } from './store';
import { refusalWords } from './words';

/** The line to the server as the page shows it. `connecting` is only the very first time. */
export type Link = 'connecting' | 'live' | 'lost';

/** A passing message for the player. */
export interface Notice {
  readonly n: number;
  readonly text: string;
}

/** The way out: the socket. */
export interface Line {
  /** False if it is not open; the message is then said again when it is. */
  transmit(frame: ClientFrame): boolean;
  /** Drops a line that seems dead and opens a new one. */
  reconnect(): void;
}

/** A command unanswered for this long on an open line: the game is asked for. */
const RESYNC_AFTER_MS = 3000;
/** And after this long the line counts as dead. */
const DEAD_AFTER_MS = 8000;
/** Frames that are on their way get this long before a newer head counts as a gap. */
const HEAD_GRACE_MS = 500;
const NOTICE_MS = 5000;

export class Hub {
  readonly user = signal<User | null>(null);
  readonly link = signal<Link>('connecting');
  /** Why the server wants no line yet, in words. */
  readonly delay = signal<string | undefined>(undefined);
  readonly playing = signal<readonly Playing[]>([]);
  readonly notices = signal<readonly Notice[]>([]);
  /** The node announced its end; the page moves to another by itself. */
  readonly isDraining = signal(false);
  /** The store behind the server is out, for all games. */
  readonly isStoreOut = signal(false);

  /** The open seeks, while a page shows them. */
  readonly lobby: LobbyStore;
  /** What this user seeks. */
  readonly seeking: Seeking;

  readonly #stores = new Map<string, GameStore>();
  readonly #outbox: Outbox;
  #lastNotice = 0;
  #stopWatchdog: (() => void) | undefined;

  constructor(
    private readonly line: Line,
    private readonly timers: Timers,
  ) {
    this.#outbox = new Outbox((frame) => line.transmit(frame), timers);
    const around = {
      timers,
      isLive: () => this.link.peek() === 'live',
      transmit: (msg: ClientMsg) => void line.transmit(msg),
    };
    this.lobby = new LobbyStore({ ...around, post: (msg) => this.#outbox.post(msg, () => undefined) });
    this.seeking = new Seeking({
      ...around,
      post: (msg, settle, delayed) => this.#outbox.post(msg, settle, delayed),
      drop: (id) => this.#outbox.drop(id),
    });
  }

  /** The store of a game, which is followed from now on; `open` makes it. */
  watch(game: string, open: (game: string, around: Surroundings) => GameStore): GameStore {
    const known = this.#stores.get(game);
    if (known !== undefined) {
      this.lookAgain(game);
      return known;
    }
    const store = open(game, {
      now: () => this.timers.now(),
      post: (msg, settle) => this.#outbox.post(msg, settle),
      drop: (id) => this.#outbox.drop(id),
      resync: (id) => this.#sync(id),
      notify: (text) => this.notify(text),
    });
    this.#stores.set(game, store);
    if (this.link.peek() === 'live') this.#sync(game);
    return store;
  }

  /** Asks again for a followed game that was not there. */
  lookAgain(game: string): void {
    if (this.#stores.get(game)?.missing.peek() === true) this.#sync(game);
  }

  /** Ends following a game and forgets what was unsent of it. */
  leave(game: string): void {
    if (!this.#stores.delete(game)) return;
    this.#outbox.dropWhere((msg) => 'game' in msg && msg.game === game);
    this.line.transmit({ t: 'unwatch', game });
  }

  /** Tells an open line of this user's newer token. */
  renewToken(token: string): void {
    this.#outbox.post({ t: 'auth', token }, () => undefined);
  }

  notify(text: string): void {
    this.#lastNotice += 1;
    const n = this.#lastNotice;
    const others = this.notices.peek().filter((notice) => notice.text !== text);
    this.notices.value = [...others.slice(-2), { n, text }];
    this.timers.after(NOTICE_MS, () => this.dismiss(n));
  }

  dismiss(n: number): void {
    this.notices.value = this.notices.peek().filter((notice) => notice.n !== n);
  }

  /** The socket's state changed to something that is not live. `live` itself comes with `hello`. */
  lineChanged(link: Link, delay?: string): void {
    batch(() => {
      this.link.value = link;
      this.delay.value = delay;
    });
    if (link !== 'live') this.#stopWatchdog?.();
  }

  /** Takes each frame of the server. */
  receive(msg: ServerMsg): void {
    if ('re' in msg && msg.re !== undefined) this.#outbox.answered(msg as Answered);
    switch (msg.t) {
      case 'hello':
        this.#greeted(msg);
        break;
      case 'pong':
        this.#compareHeads(msg.heads);
        break;
      case 'status':
        this.#storeChanged(msg.store !== 'ok', msg.games);
        break;
      case 'draining':
        this.isDraining.value = true;
        break;
      case 'game_start':
        this.#started(msg);
        break;
      case 'error':
        if (msg.re === undefined) this.notify(refusalWords(msg.code, msg.message));
        break;
      case 'seeks':
        this.lobby.receive(msg);
        this.seeking.seen(this.lobby.rows.peek(), this.user.peek()?.id);
        break;
      case 'ok':
      case 'challenge':
      case 'challenge_declined':
      case 'challenge_canceled':
        break;
      default:
        this.#stores.get(msg.game)?.receive(msg);
        if (msg.t === 'end') this.playing.value = this.playing.peek().filter(({ game }) => game !== msg.game);
    }
  }

  #greeted(msg: Extract<ServerMsg, { t: 'hello' }>): void {
    const isFirst = this.user.peek() === null;
    const known = new Set(this.playing.peek().map(({ game }) => game));
    const begun = msg.playing.map(({ game }) => game).filter((game) => !isFirst && !known.has(game));
    batch(() => {
      this.user.value = msg.user;
      this.playing.value = msg.playing;
      this.link.value = 'live';
      this.isDraining.value = false;
      // Outages are told again by a node that has one.
      this.isStoreOut.value = false;
      for (const store of this.#stores.values()) store.freeze(false);
    });
    this.#outbox.dropWhere(({ t }) => t === 'watch' || t === 'lobby' || t === 'seek' || t === 'unseek');
    for (const game of this.#stores.keys()) this.#sync(game);
    this.#outbox.resend();
    this.lobby.greeted();
    this.seeking.greeted(begun);
    this.#guard();
  }

  #started(msg: Extract<ServerMsg, { t: 'game_start' }>): void {
    const { game, color, opponent } = msg;
    const others = this.playing.peek().filter((one) => one.game !== game);
    // It may be told again.
    const isNew = others.length === this.playing.peek().length;
    this.playing.value = [...others, { game, color, opponent }];
    if (isNew) this.seeking.started(game);
    this.lookAgain(game);
  }

  #sync(game: string): void {
    const store = this.#stores.get(game);
    if (store === undefined || this.#outbox.isWaiting((msg) => msg.t === 'watch' && msg.game === game)) return;
    const v = store.game.peek()?.v;
    this.#outbox.post({ t: 'watch', game, ...(v === undefined ? {} : { v }) }, (answer) => {
      if (answer.t !== 'error') return;
      if (answer.code === 'not_found') store.missing.value = true;
      else this.notify(refusalWords(answer.code, answer.message));
    });
  }

  #compareHeads(heads: { readonly [game in string]?: number }): void {
    const isBehind = ([game, head]: [string, number | undefined]): boolean => {
      const v = this.#stores.get(game)?.game.peek()?.v;
      return v !== undefined && head !== undefined && v < head;
    };
    const behind = Object.entries(heads).filter(isBehind);
    if (behind.length === 0) return;
    this.timers.after(HEAD_GRACE_MS, () => {
      for (const [game] of behind.filter(isBehind)) this.#sync(game);
    });
  }

  #storeChanged(isOut: boolean, games: readonly string[] | undefined): void {
    batch(() => {
      if (games === undefined) this.isStoreOut.value = isOut;
      for (const store of this.#stores.values()) {
        if (games === undefined || games.includes(store.id)) store.freeze(isOut);
      }
    });
    // The clocks stood still meanwhile: only the server knows how they stand now.
    if (!isOut) for (const store of this.#stores.values()) this.#sync(store.id);
  }

  #guard(): void {
    this.#stopWatchdog?.();
    let hasSynced = false;
    const look = (): void => {
      const waited = this.#outbox.longestWait();
      if (waited >= DEAD_AFTER_MS) {
        this.line.reconnect();
        return;
      }
      if (waited >= RESYNC_AFTER_MS && !hasSynced) for (const game of this.#stores.keys()) this.#sync(game);
      hasSynced = waited >= RESYNC_AFTER_MS;
      this.#stopWatchdog = this.timers.after(1000, look);
    };
    this.#stopWatchdog = this.timers.after(1000, look);
  }
}
