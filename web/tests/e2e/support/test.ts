// What every browser test starts from: a server, windows of different people, and no error on any console.
import { test as base, expect, type BrowserContextOptions } from '@playwright/test';
import { Player } from './player';
import { binary, startServer, type Server } from './server';

interface Shared {
  readonly server: Server;
}

interface Given {
  /** Opens a page of another person. */
  readonly person: (url: string, options?: BrowserContextOptions) => Promise<Player>;
  /** Two people at a game that has begun; the first plays White. */
  readonly pair: (options?: PairOptions) => Promise<readonly [Player, Player]>;
}

export interface PairOptions {
  readonly variant?: string;
  /** Where each of them reaches the server; the server itself if nothing is said. */
  readonly urls?: readonly [string, string];
  readonly second?: BrowserContextOptions;
}

/** A line that breaks is the point of some tests, not an error; so is a game that is not there yet. */
const expected = /ERR_|WebSocket connection|Failed to load resource/;

export const test = base.extend<Given, Shared>({
  server: [
    async ({}, use) => {
      const path = binary();
      if (path === undefined) throw new Error('no server: build it (cargo build) or name it with ZEITNOT_BIN');
      const server = await startServer(path);
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],

  person: async ({ browser }, use) => {
    const faults: string[] = [];
    const contexts: Array<{ close(): Promise<void> }> = [];
    await use(async (url, options) => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
      contexts.push(context);
      context.on('console', (message) => {
        if (message.type() === 'error' && !expected.test(message.text())) faults.push(message.text());
      });
      context.on('weberror', (fault) => faults.push(fault.error().message));
      const page = await context.newPage();
      await page.goto(url);
      return new Player(page);
    });
    for (const context of contexts) await context.close();
    expect(faults).toEqual([]);
  },

  pair: async ({ person, server }, use) => {
    await use(async ({ variant, urls, second } = {}) => {
      const [near, far] = urls ?? [server.url, server.url];
      const white = await person(near);
      await white.button('Play with a friend').click();
      if (variant !== undefined) await white.page.getByLabel('Variant').selectOption(variant);
      await white.page.getByRole('button', { name: 'White', exact: true }).click();
      await white.button('Invite by link').click();
      const link = new URL(await white.page.getByLabel('Link to the game').inputValue());
      const black = await person(`${far}${link.pathname}`, second);
      await black.button('Join as Black').click();
      for (const player of [white, black]) await expect(player.page.locator('.board[data-playable="true"]')).toBeVisible();
      return [white, black] as const;
    });
  },
});

export { expect } from '@playwright/test';
