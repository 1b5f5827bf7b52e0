// The start page: finds an opponent among those who are here, and leads back to games that run. The board and the rules are
// not needed for that; they are fetched while nothing else is to do.
import './home.css';
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { play } from '../audio/sound';
import { colorName } from '../core/format';
import type { Wish } from '../core/lobby';
import type { Playing } from '../protocol';
import { useClient } from '../ui/client';
import { Dialog } from '../ui/dialog';
import { OpenSeeks } from '../ui/open-seeks';
import { Pairing } from '../ui/pairing';
import type { CreateProps } from './create';

const loadCreate = (): Promise<ComponentType<CreateProps>> => import('./create').then((module) => module.Create);
const loadGame = (): Promise<unknown> => import('./game');

export function HomePage() {
  const { hub } = useClient();
  const [isCreating, setCreating] = useState(false);
  useLobby();
  useBegun();
  useEscape(!isCreating);
  usePrefetch();

  const seek = (wish: Wish): void => {
    setCreating(false);
    hub.seeking.seek(wish);
  };
  return (
    <main class="home">
      <section class="home-play">
        <h1>Play chess now</h1>
        <Running games={hub.playing.value} />
        <Pairing onCustom={() => setCreating(true)} />
        <button type="button" class="button home-friend" onClick={() => setCreating(true)}>
          Play with a friend
        </button>
      </section>
      <OpenSeeks />
      {isCreating ? (
        <Dialog label="New game" onClose={() => setCreating(false)}>
          <LateCreate onSeek={seek} />
        </Dialog>
      ) : null}
    </main>
  );
}

/** The form of a new game, whose code may still be on its way. */
function LateCreate(props: CreateProps) {
  const [state, setState] = useState<{ form: ComponentType<CreateProps> } | 'loading' | 'failed'>('loading');
  useEffect(() => {
    loadCreate().then(
      (form) => setState({ form }),
      () => setState('failed'),
    );
  }, []);
  if (state === 'loading') return <p class="muted" aria-busy="true">One moment…</p>;
  if (state === 'failed') return <p class="error-text">This part of the page did not load. Close it and try again.</p>;
  const Form = state.form;
  return <Form {...props} />;
}

function Running({ games }: { games: readonly Playing[] }) {
  const { navigate } = useClient();
  if (games.length === 0) return null;
  return (
    <ul class="home-running">
      {games.map(({ game, color, opponent }) => (
        <li key={game}>
          <a
            class="card home-resume"
            href={`/${game}`}
            onClick={(event) => {
              event.preventDefault();
              navigate(`/${game}`);
            }}
          >
            <span>
              <strong>Your game is running</strong>
              <span class="muted small" dir="auto">
                You play {colorName(color)} against {opponent?.name ?? 'your opponent'}
              </span>
            </span>
            <span class="button button-main">Return</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

/** Follows the open seeks while the page is shown; who leaves it seeks no longer. */
function useLobby(): void {
  const { hub } = useClient();
  useEffect(() => {
    const unfollow = hub.lobby.follow();
    const leave = (): void => hub.seeking.leave();
    window.addEventListener('pagehide', leave);
    return () => {
      window.removeEventListener('pagehide', leave);
      hub.seeking.cancel();
      unfollow();
    };
  }, [hub]);
}

/** A game that was sought and found is shown at once. */
function useBegun(): void {
  const { hub, navigate } = useClient();
  const game = hub.seeking.begun.value;
  useEffect(() => {
    if (game === null) return;
    hub.seeking.begun.value = null;
    play('notice');
    navigate(`/${game}`);
  }, [game, hub, navigate]);
}

function useEscape(isActive: boolean): void {
  const { hub } = useClient();
  useEffect(() => {
    if (!isActive) return undefined;
    const press = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') hub.seeking.cancel();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [hub, isActive]);
}

/** What is probably needed next, as soon as the browser has nothing else to do. */
function usePrefetch(): void {
  useEffect(() => {
    const fetchNext = (): void => {
      // What fails now is tried again when it is needed.
      for (const load of [loadGame, loadCreate]) load().catch(() => undefined);
    };
    if (!('requestIdleCallback' in window)) {
      const timer = setTimeout(fetchNext, 1000);
      return () => clearTimeout(timer);
    }
    const idle = requestIdleCallback(fetchNext, { timeout: 3000 });
    return () => cancelIdleCallback(idle);
  }, []);
}
