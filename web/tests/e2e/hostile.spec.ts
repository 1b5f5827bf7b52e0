// What people write is text on the page, whatever it looks like: nothing of it runs, and no policy has to stop it.
import type { Browser, Page } from '@playwright/test';
import { names, payloads } from './support/payloads';
import { expect, test } from './support/test';

/** Lines of chat that a page is told of a room at once, and that one person may say in ten seconds. */
const [A_ROOM, A_PERSON] = [50, 5];

/** A page on which everything is noticed that ran, or that its policy stopped. */
interface Watched {
  readonly page: Page;
  noticed(): Promise<readonly string[]>;
}

async function watched(browser: Browser, url: string): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const seen: string[] = [];
  const page = await context.newPage();
  page.on('dialog', (dialog) => {
    seen.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => seen.push(`error: ${error.message}`));
  context.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) seen.push(`request: ${request.url()}`);
  });
  await page.addInitScript(() => {
    const marks: string[] = [];
    Object.assign(window, { marks });
    document.addEventListener('securitypolicyviolation', (event) => marks.push(`policy: ${event.violatedDirective}`));
    Object.defineProperty(window, 'ran', {
      set: () => {
        marks.push('it ran');
      },
    });
  });
  await page.goto(url);
  const noticed = async () => [...seen, ...(await page.evaluate(() => (window as unknown as { marks: string[] }).marks))];
  return { page, noticed };
}

interface Scene {
  readonly game: string;
}

/** Two people with such names sit down, and others say such lines to each other as spectators. */
async function write(page: Page, players: readonly [string, string], lines: ReadonlyArray<readonly string[]>): Promise<Scene> {
  return page.evaluate(
    async ({ players, lines, authors }) => {
      const { origin } = location;
      const post = async (path: string, body: object, token?: string): Promise<Record<string, string>> => {
        const headers: Record<string, string> = { 'content-type': 'application/json' };
        if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
        return (await fetch(origin + path, { method: 'POST', headers, body: JSON.stringify(body) })).json();
      };
      const guest = async (name: string) => (await post('/api/auth/guest', { name }))['token'] ?? '';
      const game = (await post('/api/challenge/open', {}))['id'] ?? '';
      for (const [index, color] of ['white', 'black'].entries()) {
        await post(`/api/challenge/${game}/accept`, { color }, await guest(players[index] ?? ''));
      }
      for (const [index, own] of lines.entries()) {
        const token = await guest(authors[index % authors.length] ?? '');
        const socket = new WebSocket(`${origin.replace('http', 'ws')}/ws`, ['zeitnot.v1', `bearer.${token}`]);
        const answers = new Promise<void>((resolve, reject) => {
          let open = own.length;
          socket.addEventListener('message', ({ data }) => {
            const { t, message } = JSON.parse(String(data)) as { t: string; message?: string };
            if (t === 'error') reject(new Error(message));
            if (t === 'ok') open -= 1;
            if (open === 0) resolve();
          });
        });
        await new Promise((resolve) => socket.addEventListener('open', resolve));
        for (const [id, text] of own.entries()) socket.send(JSON.stringify({ t: 'say', id, game, room: 'spectators', text }));
        await answers;
        socket.close(1000);
      }
      return { game };
    },
    { players, lines, authors: names },
  );
}

function inParts<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, part) => all.slice(part * size, (part + 1) * size));
}

test('lines of chat and names are text, whatever they look like', async ({ browser, server }) => {
  const writer = await watched(browser, server.url);
  expect(payloads).toHaveLength(100);
  for (const [part, texts] of inParts(payloads, A_ROOM).entries()) {
    const players = [names[2 * part] ?? '', names[2 * part + 1] ?? ''] as const;
    const { game } = await write(writer.page, players, inParts(texts, A_PERSON));
    const viewer = await watched(browser, `${server.url}/${game}`);
    const shown = viewer.page.locator('.chat-lines li');
    await expect(shown).toHaveCount(texts.length);
    const expected = texts.map((text, index) => `${names[Math.floor(index / A_PERSON) % names.length]} ${text}`);
    expect(await shown.allTextContents()).toEqual(expected);
    await expect(viewer.page.locator('.chat-lines li *:not(strong)')).toHaveCount(0);
    for (const name of players) await expect(viewer.page.locator('.strip-name', { hasText: name })).toHaveCount(1);
    await viewer.page.getByText('Spectators’ chat').hover();
    for (const line of await shown.all()) await line.click();
    expect(await viewer.noticed()).toEqual([]);
    await viewer.page.context().close();
  }
  expect(await writer.noticed()).toEqual([]);
});

test('names in the list of seeks and in messages are text', async ({ browser, server }) => {
  const writer = await watched(browser, server.url);
  const viewer = await watched(browser, server.url);
  await writer.page.evaluate(async (names) => {
    const sockets = names.map(async (name) => {
      const headers = { 'content-type': 'application/json' };
      const made = await fetch('/api/auth/guest', { method: 'POST', headers, body: JSON.stringify({ name }) });
      const { token } = (await made.json()) as { token: string };
      const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/ws`, ['zeitnot.v1', `bearer.${token}`]);
      await new Promise((resolve) => socket.addEventListener('open', resolve));
      // Terms that no other test uses: the server is shared.
      socket.send(JSON.stringify({ t: 'seek', days: 3, color: 'white', variant: 'threeCheck' }));
      return socket;
    });
    Object.assign(window, { sockets: await Promise.all(sockets) });
  }, names);
  for (const name of names) {
    await expect(viewer.page.locator('.seek-name', { hasText: name }).first()).toHaveText(name);
  }
  expect(await viewer.noticed()).toEqual([]);
  expect(await writer.noticed()).toEqual([]);
  // Nobody seeks any longer.
  for (const { page } of [writer, viewer]) await page.context().close();
});

test('what would run is stopped and noticed on every page', async ({ browser, server }) => {
  for (const path of ['/', '/zzzzzzzz', '/some/where']) {
    const { page, noticed } = await watched(browser, `${server.url}${path}`);
    await expect(page.locator('main, #app, body').first()).toBeVisible();
    expect(await noticed()).toEqual([]);
    await page.evaluate(() => {
      document.body.insertAdjacentHTML('beforeend', '<img src="x" onerror="ran=1"><a id="look" href="javascript:ran=1">look</a>');
      const script = document.createElement('script');
      script.textContent = 'ran=1';
      document.body.append(script);
      document.querySelector<HTMLElement>('#look')?.click();
      const frame = document.createElement('iframe');
      frame.srcdoc = '<p>';
      document.body.append(frame);
      const far = document.createElement('script');
      far.src = 'https://evil.example/x.js';
      document.body.append(far);
    });
    const stopped = ['policy: script-src-attr', 'policy: script-src-elem'];
    await expect.poll(noticed).toEqual(expect.arrayContaining(stopped));
    expect(await noticed()).not.toContain('it ran');
    await page.context().close();
  }
});

test('no page of another origin shows ours in a frame', async ({ browser, server }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  // The same machine by another name is another origin.
  const other = server.url.replace('127.0.0.1', 'localhost');
  await page.goto(`${other}/theme.js`);
  const frames = (): string[] => page.frames().map((frame) => frame.url());
  await page.evaluate((url) => {
    const frame = document.createElement('iframe');
    frame.src = url;
    document.documentElement.append(frame);
  }, server.url);
  // What may not be shown becomes an error of the browser's own.
  await expect.poll(frames).toEqual([`${other}/theme.js`, 'chrome-error://chromewebdata/']);
  await context.close();
});
