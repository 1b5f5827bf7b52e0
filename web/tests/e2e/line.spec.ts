// Lines that stall, break and come back; windows that close and come back.
import { cuttableLine } from './support/cuttable';
import { binary, startServer } from './support/server';
import { expect, test } from './support/test';

test('a game survives a line that is cut', async ({ pair, server }) => {
  const line = await cuttableLine(server.url);
  const [white, black] = await pair({ urls: [line.url, server.url] });
  await white.drag('e2', 'e4');
  await black.drag('e7', 'e5');
  await white.sees('e4', 'e5');

  line.cut();
  await expect(white.page.getByText('Reconnecting')).toBeVisible();
  // The move is on the own board at once and is sent when the line is back.
  await white.drag('g1', 'f3');
  await expect(white.moves).toHaveText(['e4', 'e5', 'Nf3']);
  await expect(white.page.locator('.move[data-unconfirmed="true"]')).toHaveText('Nf3');

  line.mend();
  for (const player of [white, black]) await player.sees('e4', 'e5', 'Nf3');
  await expect(white.page.getByText('Reconnecting')).toBeHidden();
  await black.drag('b8', 'c6');
  await white.sees('e4', 'e5', 'Nf3', 'Nc6');
  await line.stop();
});

test('one loses the line for five seconds and both go on', async ({ pair, server }) => {
  const line = await cuttableLine(server.url);
  const [white, black] = await pair({ urls: [line.url, server.url] });
  await white.drag('e2', 'e4');
  await black.drag('e7', 'e5');
  await white.sees('e4', 'e5');
  const pages = [white.page, black.page];
  for (const page of pages) await page.evaluate(() => { document.body.dataset['loaded'] = 'once'; });

  line.cut();
  const cutAt = Date.now();
  const reconnecting = white.page.getByText('Reconnecting');
  await expect(reconnecting).toBeVisible();
  await white.drag('g1', 'f3');
  // The time itself is what is tried here.
  await expect.poll(() => Date.now() - cutAt, { timeout: 10_000 }).toBeGreaterThanOrEqual(5000);
  await expect(reconnecting).toBeVisible();
  await black.sees('e4', 'e5');

  line.mend();
  for (const player of [white, black]) await player.sees('e4', 'e5', 'Nf3');
  await expect(reconnecting).toBeHidden();
  await black.drag('b8', 'c6');
  await white.sees('e4', 'e5', 'Nf3', 'Nc6');
  await white.drag('f1', 'b5');
  for (const player of [white, black]) await player.sees('e4', 'e5', 'Nf3', 'Nc6', 'Bb5');
  expect(await white.position()).toBe(await black.position());
  for (const page of pages) await expect(page.locator('body')).toHaveAttribute('data-loaded', 'once');
  await line.stop();
});

test('a page that goes offline catches up', async ({ pair }) => {
  const [white, black] = await pair();
  await white.drag('e2', 'e4');
  await black.sees('e4');
  await white.page.context().setOffline(true);
  await expect(white.page.getByText('Reconnecting')).toBeVisible();
  await black.drag('e7', 'e5');
  await black.sees('e4', 'e5');
  await white.page.context().setOffline(false);
  await white.sees('e4', 'e5');
  await white.drag('g1', 'f3');
  await black.sees('e4', 'e5', 'Nf3');
});

test('a closed window comes back to its game', async ({ pair, server }) => {
  const [white, black] = await pair();
  await white.drag('e2', 'e4');
  await black.sees('e4');
  const context = white.page.context();
  await white.page.close();
  await black.drag('e7', 'e5');

  const page = await context.newPage();
  await page.goto(server.url);
  await page.getByText('Your game is running').click();
  await expect(page.locator('.moves-list .move')).toHaveText(['e4', 'e5']);
  await expect(page).toHaveTitle(/^Your turn/);
});

test('two windows of one browser are two people', async ({ pair }) => {
  const [white] = await pair();
  const other = await white.page.context().newPage();
  await other.goto(white.page.url());
  await expect(other.locator('.table-terms')).toContainText('you are watching');
});

test('a reload keeps the seat', async ({ pair }) => {
  const [white, black] = await pair();
  await white.drag('d2', 'd4');
  await black.sees('d4');
  await black.page.reload();
  await black.drag('d7', 'd5');
  await white.sees('d4', 'd5');
});

test('who comes after too many others is told to wait', async ({ person }) => {
  const server = await startServer(binary() ?? '', undefined, ['--rate-limits', 'on', '--guests-per-address', '1']);
  const first = await person(server.url);
  await expect(first.page.locator('.bar-user')).toBeVisible();
  const second = await person(server.url);
  await expect(second.page.getByText('Too many requests. Asked again in')).toBeVisible();
  await expect(first.page.getByText('Too many requests')).toHaveCount(0);
  await server.stop();
});

test('a game survives a new start of its server', async ({ pair }) => {
  const path = binary() ?? '';
  const first = await startServer(path);
  const line = await cuttableLine(first.url);
  const [white, black] = await pair({ urls: [line.url, line.url] });
  await white.drag('e2', 'e4');
  await black.drag('e7', 'e5');
  await white.sees('e4', 'e5');

  await first.halt();
  line.cut();
  await expect(white.page.getByText('Reconnecting')).toBeVisible();
  await white.drag('g1', 'f3');
  await expect(white.moves).toHaveText(['e4', 'e5', 'Nf3']);

  const second = await startServer(path, first.data);
  line.redirect(second.url);
  line.mend();
  for (const player of [white, black]) await player.sees('e4', 'e5', 'Nf3');
  await black.drag('b8', 'c6');
  await white.sees('e4', 'e5', 'Nf3', 'Nc6');
  await line.stop();
  await second.stop();
});
