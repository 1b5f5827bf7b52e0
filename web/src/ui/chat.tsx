// The talk of players or of spectators, as text and nothing else.
import './chat.css';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { isRunning, type Game } from '../core/game';
import type { GameStore } from '../core/store';
import type { Room } from '../protocol';
import { useClient } from './client';

interface ChatProps {
  readonly store: GameStore;
  readonly game: Game;
}

/** The protocol's limit for one line. */
const MAX_LENGTH = 140;

export function Chat({ store, game }: ChatProps) {
  const { hub } = useClient();
  const [chosen, setChosen] = useState<Room>(game.seat === null ? 'spectators' : 'players');
  const [text, setText] = useState('');
  const list = useRef<HTMLOListElement>(null);
  // Players may look into the spectators' room only when the game is over.
  const hasBoth = game.seat !== null && !isRunning(game);
  const room = hasBoth ? chosen : game.seat === null ? 'spectators' : 'players';
  const lines = store.chat.value.filter((line) => line.room === room);

  useLayoutEffect(() => {
    list.current?.scrollTo(0, list.current.scrollHeight);
  }, [lines.length, room]);

  const say = (): void => {
    const line = text.trim();
    if (line === '') return;
    store.say(room, line, Math.random().toString(36).slice(2, 14));
    setText('');
  };

  return (
    <section class="chat" aria-label="Chat">
      <div class="chat-rooms">
        {(hasBoth ? (['players', 'spectators'] as const) : [room]).map((name) => (
          <button key={name} type="button" class="chat-room" aria-pressed={name === room} onClick={() => setChosen(name)}>
            {name === 'players' ? 'Players’ chat' : 'Spectators’ chat'}
          </button>
        ))}
      </div>
      <ol ref={list} class="chat-lines" aria-live="polite">
        {lines.length === 0 ? <li class="muted small">Nothing said yet. Be kind.</li> : null}
        {lines.map((line) => (
          <li key={line.n} dir="auto">
            <strong class="chat-name" data-own={line.user.id === hub.user.value?.id}>
              {line.user.name}
            </strong>{' '}
            {line.text}
          </li>
        ))}
      </ol>
      <form
        class="chat-form"
        onSubmit={(event) => {
          event.preventDefault();
          say();
        }}
      >
        <input
          class="field"
          value={text}
          maxLength={MAX_LENGTH}
          placeholder="Say something"
          aria-label="Message"
          autocomplete="off"
          enterkeyhint="send"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </form>
    </section>
  );
}
