// A modal dialog: the browser's own, so that focus, Escape and screen readers are its business.
import './dialog.css';
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from './icon';

interface DialogProps {
  readonly label: string;
  readonly children: ComponentChildren;
  onClose(): void;
}

export function Dialog({ label, children, onClose }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);

  useLayoutEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);

  return (
    <dialog
      ref={element}
      class="dialog card"
      aria-label={label}
      onClose={onClose}
      onClick={(event) => {
        // What lies around the dialog belongs to it too.
        if (event.target === event.currentTarget) onClose();
      }}
    >
      <div class="dialog-inside">
        <header class="dialog-head">
          <h2>{label}</h2>
          <button type="button" class="button button-icon" aria-label="Close" onClick={onClose}>
            <Icon name="cross" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
