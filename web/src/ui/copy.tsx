// A text with a button that copies it, and shares it where the device can.
import './copy.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './icon';

interface CopyFieldProps {
  readonly label: string;
  readonly text: string;
  readonly isShareable?: boolean;
}

const DONE_MS = 2000;

export function CopyField({ label, text, isShareable = false }: CopyFieldProps) {
  const field = useRef<HTMLInputElement>(null);
  const [isCopied, setCopied] = useState(false);

  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), DONE_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);

  const canShare = isShareable && typeof navigator.share === 'function';
  return (
    <div class="copy">
      <input ref={field} class="field copy-text" readOnly value={text} aria-label={label} onFocus={() => field.current?.select()} />
      <button
        type="button"
        class="button button-main copy-button"
        onClick={() => void copyText(text, field.current).then(setCopied)}
      >
        <Icon name={isCopied ? 'check' : 'copy'} />
        <span aria-live="polite">{isCopied ? 'Copied' : 'Copy'}</span>
      </button>
      {canShare ? (
        <button
          type="button"
          class="button"
          aria-label="Share"
          onClick={() => void navigator.share({ url: text }).catch(() => undefined)}
        >
          <Icon name="share" />
        </button>
      ) : null}
    </div>
  );
}

/** Copies a text; where the clipboard is forbidden (plain http), through the field that shows it. */
export async function copyText(text: string, field?: HTMLInputElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const source = field ?? document.body.appendChild(Object.assign(document.createElement('input'), { value: text }));
    source.select();
    const isDone = document.execCommand('copy');
    if (source !== field) source.remove();
    return isDone;
  }
}
