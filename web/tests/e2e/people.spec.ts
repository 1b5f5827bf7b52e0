// The people's part of a game: who is there, what one may do about who left, offers that nobody is tricked into. Frames that
// a server would send only after a minute are slipped into the line of a real game.
import type { Locator } from '@playwright/test';
import type { Player } from './support/player';
import { expect, test } from './support/test';

/**
 * Comes back over a line into which a test may say something as the server, and which refuses claims as too early. What the
 * server itself says of people does not come through: it would contradict.
 */
async function tapLine(player: Player): Promise<(frame: object) => void> {
  const game = new URL(player.page.url()).pathname.slice(1);
  let say: ((frame: string) => void) | undefined;
  await player.page.routeWebSocket(/\/ws$/, (line) => {
    const server = line.connectToServer();
    line.onMessage((message) => {
      const { t, id } = JSON.parse(String(message)) as { t: string; id?: number };
      if (t !== 'claim') server.send(message);
      else line.send(JSON.stringify({ t: 'error', re: id, code: 'not_allowed', message: 'the opponent may still come back', retry_after_ms: 9000 }));
    });
    server.onMessage((message) => {
      const { t } = JSON.parse(String(message)) as { t: string };
      if (t !== 'presence' && t !== 'crowd') line.send(message);
    });
    say = (frame) => line.send(frame);
  });
  await player.page.reload();
  await expect(player.page.locator('.board')).toBeVisible();
  return (frame) => say?.(JSON.stringify({ game, ...frame }));
}

async function boxOf(button: Locator): Promise<{ left: number; right: number; top: number; bottom: number }> {
  const box = await button.boundingBox();
  if (box === null) throw new Error('the button is not there');
  return { left: box.x, right: box.x + box.width, top: box.y, bottom: box.y + box.height };
}

test('an opponent who left: a countdown, then claims, and nothing once he is back', async ({ pair }) => {
  const [white, black] = await pair();
  await white.drag('e2', 'e4');
  await black.drag('e7', 'e5');
  await white.sees('e4', 'e5');
  const say = await tapLine(white);
  await white.drag('g1', 'f3');
  await black.sees('e4', 'e5', 'Nf3');
  await expect(white.status).toContainText('Waiting for your opponent');

  // The game's own scale: only the difference counts.
  say({ t: 'presence', white: true, black: false, claim_at: { white: 5_012_000 }, now: 5_000_000 });
  await expect(white.status).toContainText(/Black left\. You may claim the win in 0:(12|11|10)\./);
  await expect(white.page.locator('.strip[data-color="black"]').getByLabel('Away')).toBeVisible();
  await expect(white.button('Claim the win')).toHaveCount(0);

  say({ t: 'presence', white: true, black: true, now: 5_003_000 });
  await expect(white.status).toContainText('Waiting for your opponent');
  await expect(white.page.locator('.strip[data-color="black"]').getByLabel('Here')).toBeVisible();

  say({ t: 'presence', white: true, black: false, claim_at: { white: 5_004_000 }, now: 5_004_000 });
  await expect(white.button('Call it a draw')).toBeVisible();
  await white.button('Claim the win').click();
  await expect(white.page.locator('.notices')).toContainText('Not possible: the opponent may still come back. Try again in 9 s.');
  await expect(white.status).toContainText(/You may claim the win in 0:0\d\./);
  await expect(white.button('Claim the win')).toHaveCount(0);
});

test('buttons that cannot be taken back never lie where another one was', async ({ pair }) => {
  const [white, black] = await pair();
  await white.drag('e2', 'e4');
  await black.drag('e7', 'e5');
  await white.sees('e4', 'e5');
  const say = await tapLine(white);
  await white.drag('g1', 'f3');
  await black.sees('e4', 'e5', 'Nf3');
  const places: Array<Awaited<ReturnType<typeof boxOf>>> = [];
  await black.button('Draw').click();
  await expect(white.button(/^Draw$/)).toBeDisabled();
  await expect(white.button('Takeback')).toBeDisabled();
  places.push(await boxOf(white.button('Accept draw')));
  await white.button('Decline').click();
  await expect(black.button('Takeback')).toBeEnabled();
  await black.button('Takeback').click();
  places.push(await boxOf(white.button('Allow')));
  await white.button('Refuse').click();
  say({ t: 'presence', white: true, black: false, claim_at: { white: 1 }, now: 1 });
  places.push(await boxOf(white.button('Claim the win')));
  for (const [index, one] of places.entries()) {
    for (const other of places.slice(index + 1)) {
      expect(one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top).toBe(true);
    }
  }
});

test('spectators are counted', async ({ pair, person }) => {
  const [white] = await pair();
  const say = await tapLine(white);
  const guest = await person(white.page.url());
  await expect(guest.page.locator('.table-terms')).toContainText('you are watching');
  say({ t: 'crowd', watchers: 7 });
  await expect(white.page.locator('.table-crowd')).toHaveText(/^7\s*spectators$/);
});

test('who closes the window has left, and the win is claimed', async ({ pair }) => {
  const [white, black] = await pair();
  await white.drag('e2', 'e4');
  await black.drag('e7', 'e5');
  await white.drag('g1', 'f3');
  await black.sees('e4', 'e5', 'Nf3');
  await black.page.close();
  await expect(white.status).toContainText(/Black left\. You may claim the win in 0:(10|0\d)\./);
  await white.button('Claim the win').click();
  await expect(white.status).toContainText('White won');
});
