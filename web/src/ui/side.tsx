// A side of the board as a dot beside its name; the dot alone says nothing.
import './side.css';
import type { ComponentChildren } from 'preact';
import type { ColorChoice } from '../protocol';

export function Side({ side, children }: { readonly side: ColorChoice; readonly children: ComponentChildren }) {
  return (
    <span class="side">
      <i class="side-dot" data-side={side} aria-hidden="true" />
      {children}
    </span>
  );
}
