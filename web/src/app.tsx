// Chooses the page for the address and loads its code. Pages are chunks of their own, so that the start page stays light.
import type { Signal } from '@preact/signals';
import { Component, type ComponentChildren, type ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ClientProvider, type Client } from './ui/client';
import { Frame } from './ui/frame';
import { Message } from './ui/message';
import { routeOf } from './ui/route';

interface AppProps {
  readonly client: Client;
  readonly path: Signal<string>;
}

export function App({ client, path }: AppProps) {
  const route = routeOf(path.value);
  return (
    <Safety>
      <ClientProvider value={client}>
        <Frame isGame={route.page === 'game'}>
          {route.page === 'home' ? <Late key="home" load={loadHome} pass={{}} /> : null}
          {route.page === 'game' ? <Late key="game" load={loadGame} pass={{ id: route.id }} /> : null}
          {route.page === 'none' ? (
            <Message title="There is no such page" text="The address may be mistyped. Games live at addresses of eight letters and digits.">
              <a class="button button-main" href="/">
                Make a game
              </a>
            </Message>
          ) : null}
        </Frame>
      </ClientProvider>
    </Safety>
  );
}

const loadHome = (): Promise<ComponentType> => import('./pages/home').then((module) => module.HomePage);
const loadGame = (): Promise<ComponentType<{ id: string }>> => import('./pages/game').then((module) => module.GamePage);

interface LateProps<P> {
  load(): Promise<ComponentType<P>>;
  readonly pass: P;
}

/** A page whose code is on its way. */
function Late<P extends object>({ load, pass }: LateProps<P>) {
  const [state, setState] = useState<{ page: ComponentType<P> } | 'loading' | 'failed'>('loading');

  useEffect(() => {
    load().then(
      (page) => setState({ page }),
      () => setState('failed'),
    );
  }, [load]);

  if (state === 'loading') return <main aria-busy="true" />;
  if (state === 'failed') {
    return (
      <Message title="This part of the page did not load" text="There may be a newer version, or the line is down.">
        <button type="button" class="button button-main" onClick={() => location.reload()}>
          Load again
        </button>
      </Message>
    );
  }
  const Page = state.page;
  return <Page {...pass} />;
}

/** Keeps a fault of a view from leaving an empty page. */
class Safety extends Component<{ children: ComponentChildren }, { isBroken: boolean }> {
  override state = { isBroken: false };

  static override getDerivedStateFromError(): { isBroken: boolean } {
    return { isBroken: true };
  }

  override render() {
    if (!this.state.isBroken) return this.props.children;
    return (
      <Message title="This page broke" text="Your game is safe on the server. Load the page again to go on.">
        <button type="button" class="button button-main" onClick={() => location.reload()}>
          Load again
        </button>
      </Message>
    );
  }
}
