// The open seeks while somebody looks at them: follows the list, takes its frames, and sweeps taken rows away, but never
// from under a pointer. The list itself is folded in lobby.ts; the own seek is seeking.ts.
import { computed, signal, type ReadonlySignal } from '@preact/signals';
import type { ClientMsg, SeeksFrame } from '../protocol';
import { changed, sweepDue, swept, unknownList, type Row } from './lobby';
import type { Timers } from './outbox';

/** What the list needs from its surroundings. */
export interface LobbySurroundings {
  readonly timers: Timers;
  isLive(): boolean;
  /** Sends a message that is answered by its own frame. */
  post(msg: ClientMsg): void;
  /** Sends a message now or never. */
  transmit(msg: ClientMsg): void;
}

export class LobbyStore {
  readonly #list = signal(unknownList);
  readonly rows: ReadonlySignal<readonly Row[]> = computed(() => this.#list.value.rows);
  /** Whether the server has told what is open. */
  readonly isTold: ReadonlySignal<boolean> = computed(() => this.#list.value.isTold);

  #isFollowed = false;
  #isHeld = false;
  #cancelSweep: (() => void) | undefined;

  constructor(private readonly around: LobbySurroundings) {}

  /** Follows the list; returns the way to stop it. */
  follow(): () => void {
    this.#isFollowed = true;
    if (this.around.isLive()) this.around.post({ t: 'lobby' });
    return () => {
      this.#isFollowed = false;
      this.around.transmit({ t: 'unlobby' });
      this.#cancelSweep?.();
      this.#list.value = unknownList;
    };
  }

  /** The line is new. */
  greeted(): void {
    if (this.#isFollowed) this.around.post({ t: 'lobby' });
  }

  receive(frame: SeeksFrame): void {
    if (!this.#isFollowed) return;
    this.#list.value = changed(this.#list.value, frame, this.around.timers.now());
    this.#sweepLater();
  }

  /** While the pointer or the focus is in the list, no row goes away. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#sweepLater();
  }

  #sweepLater(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    const due = sweepDue(this.#list.value);
    if (due === undefined || this.#isHeld) return;
    const { timers } = this.around;
    this.#cancelSweep = timers.after(Math.max(0, due - timers.now()), () => {
      this.#list.value = swept(this.#list.value, timers.now());
      this.#sweepLater();
    });
  }
}
