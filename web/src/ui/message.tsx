// A page that has only something to say, and what to do about it.
import './message.css';
import type { ComponentChildren } from 'preact';

interface MessageProps {
  readonly title: string;
  readonly text: string;
  readonly children?: ComponentChildren;
}

export function Message({ title, text, children }: MessageProps) {
  return (
    <main class="message">
      <h2>{title}</h2>
      <p class="muted">{text}</p>
      <div class="row">{children}</div>
    </main>
  );
}
