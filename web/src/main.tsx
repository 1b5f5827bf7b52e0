// Boot: puts session, socket, hub and views together, and chooses the page by the address. No behavior of its own.
import './styles/tokens.css';
import './styles/base.css';
import { signal } from '@preact/signals';
import { render } from 'preact';
import { App } from './app';
import { Hub } from './core/hub';
import type { Timers } from './core/outbox';
import { onWake } from './net/heartbeat';
import { HttpApi, createGuest, refreshToken } from './net/http';
import { LeaseLocks, WebLocks } from './net/locks';
import { Session } from './net/session';
import { Socket } from './net/socket';
import type { Client } from './ui/client';
import { gameIn } from './ui/route';

const timers: Timers = {
  now: () => performance.now(),
  random: () => Math.random(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

const fetcher: typeof fetch = (input, init) => fetch(input, init);
const session = new Session({
  storage: localStorage,
  windowStorage: sessionStorage,
  locks: 'locks' in navigator ? new WebLocks(navigator.locks) : new LeaseLocks(localStorage),
  game: gameIn(location.pathname),
  now: () => Date.now(),
  createGuest: () => createGuest(fetcher),
  refresh: (token) => refreshToken(fetcher, token),
});

const socketUrl = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
const socket = new Socket(
  {
    timers,
    connect: (protocols) => new WebSocket(socketUrl, protocols),
    token: () => session.token(),
    renewToken: async () => void (await session.renew()),
  },
  { onFrame: (msg) => hub.receive(msg), onLink: (link, delay) => hub.lineChanged(link, delay) },
);
const hub: Hub = new Hub(socket, timers);

const path = signal(location.pathname);
window.addEventListener('popstate', () => {
  path.value = location.pathname;
});

const client: Client = {
  hub,
  api: new HttpApi(
    fetcher,
    () => session.token(),
    async () => {
      // The socket must not go on as somebody else.
      if (!(await session.renew())) socket.reconnect();
    },
  ),
  navigate: (to) => {
    if (to !== location.pathname) history.pushState(null, '', to);
    path.value = to;
    window.scrollTo(0, 0);
  },
  sitsIn: (game) => void session.sitsIn(game),
};

async function renewToken(): Promise<void> {
  const isSameUser = await session.renew();
  if (isSameUser) hub.renewToken(await session.token());
  else socket.reconnect();
}

/** The token is renewed on the open socket well before it ends. */
const RENEW_EVERY_MS = 3 * 3600_000;
setInterval(() => void renewToken().catch(() => undefined), RENEW_EVERY_MS);

socket.start();
onWake(() => socket.nudge());
const root = document.querySelector('#app');
if (root !== null) render(<App client={client} path={path} />, root);
