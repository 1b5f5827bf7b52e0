// What surrounds every page: the bar at the top, the state of the line, and passing messages.
import './frame.css';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { isMuted, mute } from '../audio/sound';
import type { Link } from '../core/hub';
import { useClient } from './client';
import { Icon } from './icon';

interface FrameProps {
  /** Whether the bar makes room for a game on small screens. */
  readonly isGame?: boolean;
  readonly children: ComponentChildren;
}

export function Frame({ isGame = false, children }: FrameProps) {
  const { hub, navigate } = useClient();
  return (
    <>
      <header class="bar" data-game={isGame}>
        <a
          class="bar-home"
          href="/"
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey) return;
            event.preventDefault();
            navigate('/');
          }}
        >
          <svg class="bar-logo" viewBox="0 0 32 32" aria-hidden="true">
            <circle cx="16" cy="18" r="11" fill="none" stroke="currentColor" stroke-width="3" />
            <path d="M16 18V5.5A12.5 12.5 0 0 1 26.8 11.7Z" fill="var(--accent)" />
            <rect x="12.5" y="1" width="7" height="3.4" rx="1.4" fill="currentColor" />
          </svg>
          Zeitnot
        </a>
        <span class="bar-space" />
        {hub.user.value === null ? null : <span class="bar-user muted">{hub.user.value.name}</span>}
        {isGame ? <SoundButton /> : null}
        <ThemeButton />
      </header>
      <LineState link={hub.link.value} delay={hub.delay.value} isDraining={hub.isDraining.value} isStoreOut={hub.isStoreOut.value} />
      {children}
      <Notices />
    </>
  );
}

interface LineStateProps {
  readonly link: Link;
  readonly delay: string | undefined;
  readonly isDraining: boolean;
  readonly isStoreOut: boolean;
}

/** A strip that tells of a line that is lost; nothing while all is well. */
function LineState({ link, delay, isDraining, isStoreOut }: LineStateProps) {
  let text: string | undefined;
  if (link === 'lost') text = delay ?? 'Reconnecting… The page goes on by itself.';
  else if (isStoreOut) text = 'The server cannot take moves just now. The clocks stand still; just wait.';
  else if (isDraining) text = 'The server restarts soon. This page moves to another one by itself.';
  return (
    <div class="line-state" role="status" data-shown={text !== undefined} data-state={link}>
      {text === undefined ? null : (
        <span>
          <i class="line-dot" aria-hidden="true" />
          {text}
        </span>
      )}
    </div>
  );
}

function Notices() {
  const { hub } = useClient();
  return (
    <div class="notices" role="status">
      {hub.notices.value.map(({ n, text }) => (
        <button key={n} type="button" class="notice" onClick={() => hub.dismiss(n)}>
          {text}
        </button>
      ))}
    </div>
  );
}

function SoundButton() {
  const isOff = isMuted.value;
  return (
    <button type="button" class="button button-icon" aria-label={isOff ? 'Sound on' : 'Sound off'} onClick={() => mute(!isOff)}>
      <Icon name={isOff ? 'silence' : 'sound'} />
    </button>
  );
}

function ThemeButton() {
  const [isDark, setDark] = useState(isDarkNow);
  const toggle = (): void => {
    const theme = isDark ? 'light' : 'dark';
    document.documentElement.dataset['theme'] = theme;
    try {
      localStorage.setItem('zeitnot.theme', theme);
    } catch {
      // Storage is forbidden: the choice lasts as long as the page.
    }
    setDark(!isDark);
  };
  return (
    <button type="button" class="button button-icon" aria-label={isDark ? 'Light theme' : 'Dark theme'} onClick={toggle}>
      <Icon name={isDark ? 'sun' : 'moon'} />
    </button>
  );
}

function isDarkNow(): boolean {
  const { theme } = document.documentElement.dataset;
  if (theme !== undefined) return theme === 'dark';
  return matchMedia('(prefers-color-scheme: dark)').matches;
}
