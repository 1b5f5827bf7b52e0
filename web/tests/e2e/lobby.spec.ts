// People who find each other on the start page: by the same tile, by a row of the list, by terms of their own.
import type { Locator } from '@playwright/test';
import { cuttableLine } from './support/cuttable';
import { Player } from './support/player';
import { binary, startServer } from './support/server';
import { expect, test } from './support/test';

const tile = (player: Player, name: string): Locator =>
  player.page.getByRole('group', { name: 'Quick pairing' }).getByRole('button', { name });
const rows = (player: Player): Locator => player.page.locator('.seeks-list .seek');
const isWaiting = async (player: Player, name: string): Promise<void> => {
  await expect(tile(player, name)).toHaveAttribute('aria-pressed', 'true');
  await expect(tile(player, name)).toContainText(/Waiting\d:\d\d/);
};
const nobodyWaits = async (player: Player): Promise<void> =>
  expect(player.page.locator('.tile[aria-pressed="true"]')).toHaveCount(0);

/** Seeks on terms that no other test uses: the server is shared. */
async function seekVariant(player: Player, variant: string, color = 'Random'): Promise<void> {
  await tile(player, 'Custom').click();
  await player.page.getByLabel('Variant').selectOption(variant);
  await player.page.getByRole('dialog').getByRole('button', { name: color, exact: true }).click();
  await player.button('Find an opponent').click();
}

test('two people who choose the same time play each other within the page', async ({ person, server }) => {
  const [first, second] = [await person(server.url), await person(server.url)];
  for (const { page } of [first, second]) await page.evaluate(() => { document.body.dataset['loaded'] = 'once'; });
  await tile(first, '15+10').click();
  await isWaiting(first, '15+10');
  await expect(tile(first, '1+0')).toHaveAttribute('data-dim', 'true');
  // By keyboard as well.
  await tile(second, '15+10').focus();
  await second.page.keyboard.press('Enter');
  for (const { page } of [first, second]) {
    await expect(page).toHaveURL(/\/[0-9A-Za-z]{8}$/);
    await expect(page.locator('.board')).toBeVisible();
    await expect(page.locator('.table-terms')).toContainText('15+10 · Standard');
    await expect(page.locator('body')).toHaveAttribute('data-loaded', 'once');
  }
  const firstIsWhite = (await first.page.locator('.cg-wrap.orientation-white').count()) > 0;
  const [white, black] = firstIsWhite ? [first, second] : [second, first];
  await white.drag('e2', 'e4');
  await black.sees('e4');
  // Back at the start page nobody is led anywhere.
  await black.page.goBack();
  await expect(black.page.getByText('Your game is running')).toBeVisible();
  await nobodyWaits(black);
});

test('a seek is ended by its tile, by Escape and by leaving, and moved by another tile', async ({ person, server }) => {
  const [seeker, watcher] = [await person(server.url), await person(server.url)];
  const own = (text: string): Locator => seeker.page.locator('.seek[data-own="true"][aria-disabled="false"]', { hasText: text });
  await tile(seeker, '30+0').click();
  await isWaiting(seeker, '30+0');
  await expect(own('30+0')).toBeVisible();
  await tile(seeker, '30+20').click();
  await isWaiting(seeker, '30+20');
  await expect(tile(seeker, '30+0')).toHaveAttribute('aria-pressed', 'false');
  await expect(own('30+20')).toBeVisible();
  await expect(own('30+0')).toHaveCount(0);
  await tile(seeker, '30+20').click();
  await nobodyWaits(seeker);
  await expect(rows(watcher).filter({ hasText: '30+' })).toHaveCount(0);

  await tile(seeker, '30+0').click();
  await expect(own('30+0')).toBeVisible();
  await seeker.page.keyboard.press('Escape');
  await nobodyWaits(seeker);
  await expect(own('30+0')).toHaveCount(0);

  await tile(seeker, '30+0').click();
  await own('30+0').click();
  await nobodyWaits(seeker);
  await expect(own('30+0')).toHaveCount(0);

  await tile(seeker, '30+0').click();
  await expect(rows(watcher).filter({ hasText: '30+0' })).toBeVisible();
  await seeker.page.goto('about:blank');
  await expect(rows(watcher).filter({ hasText: '30+0' })).toHaveCount(0);
});

test('a row of the list is answered with the other color', async ({ person, server }) => {
  const [seeker, other] = [await person(server.url), await person(server.url)];
  await seekVariant(seeker, 'horde', 'Black');
  await isWaiting(seeker, 'Custom');
  const row = rows(other).filter({ hasText: 'Horde' });
  await expect(row).toContainText('Plays Black');
  await expect(row).toContainText('5+3');
  await row.click();
  await expect(other.page.locator('.cg-wrap.orientation-white')).toBeVisible();
  await expect(seeker.page.locator('.cg-wrap.orientation-black')).toBeVisible();
  await other.drag('a4', 'a5');
  await seeker.sees('a5');
});

test('what is under the pointer stays there', async ({ person, server }) => {
  const [upper, lower, reader] = [await person(server.url), await person(server.url), await person(server.url)];
  await seekVariant(upper, 'atomic');
  const first = rows(reader).filter({ hasText: 'Atomic' });
  await expect(first).toBeVisible();
  await seekVariant(lower, 'antichess');
  const second = rows(reader).filter({ hasText: 'Antichess' });
  await expect(second).toBeVisible();
  await second.hover();
  const before = await second.boundingBox();
  await upper.page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await expect(first).toHaveAttribute('aria-disabled', 'true');
  await expect(first).toContainText('Taken');
  // A new row comes meanwhile, at the end.
  await seekVariant(upper, 'racingKings');
  await expect(rows(reader).filter({ hasText: 'Racing' })).toBeVisible();
  expect(await second.boundingBox()).toEqual(before);
  await expect(first).toBeVisible();
  await reader.page.getByRole('heading', { name: 'Play chess now' }).hover();
  await expect(first).toHaveCount(0);
});

test('a seek outlives the end of its server', async ({ person }) => {
  const path = binary() ?? '';
  const old = await startServer(path);
  const line = await cuttableLine(old.url);
  const seeker = await person(line.url);
  await tile(seeker, '3+2').click();
  await expect(rows(seeker).filter({ hasText: '3+2' })).toBeVisible();
  await old.halt();
  line.cut();
  await expect(seeker.page.getByText('The line is down')).toBeVisible();
  await isWaiting(seeker, '3+2');

  const fresh = await startServer(path, old.data);
  line.redirect(fresh.url);
  line.mend();
  const other = await person(fresh.url);
  await expect(rows(other).filter({ hasText: '3+2' })).toBeVisible({ timeout: 30_000 });
  await tile(other, '3+2').click();
  for (const { page } of [seeker, other]) await expect(page.locator('.board')).toBeVisible();
  await line.stop();
  await fresh.stop();
});

test('two tabs of one person seek one thing, and one game begins', async ({ person, server }) => {
  const first = await person(server.url);
  await tile(first, '1+0').click();
  await expect(rows(first).filter({ hasText: '1+0' })).toBeVisible();
  // A browser without locks cannot tell that the guest is already in use.
  const page = await first.page.context().newPage();
  await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'locks'));
  await page.goto(server.url);
  const name = await first.page.locator('.bar-user').textContent();
  await expect(page.locator('.bar-user')).toHaveText(name ?? '');
  const second = new Player(page);
  await tile(second, '2+1').click();
  await isWaiting(second, '2+1');
  await expect(first.page.getByText('You seek something else in another window.')).toBeVisible();
  await nobodyWaits(first);
  const other = await person(server.url);
  await tile(other, '2+1').click();
  await expect(page.locator('.board')).toBeVisible();
  await expect(first.page.getByText('Your game is running')).toBeVisible();
});

test('the start page fits a small phone', async ({ person, server }) => {
  const phone = await person(server.url, { viewport: { width: 320, height: 568 }, isMobile: true, hasTouch: true });
  const overflow = (): Promise<number> =>
    phone.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await expect(phone.page.getByRole('heading', { name: 'Open seeks' })).toBeVisible();
  await seekVariant(phone, 'kingOfTheHill', 'White');
  await expect(rows(phone).filter({ hasText: 'King of the Hill' })).toBeVisible();
  expect(await overflow()).toBe(0);
  await phone.button('Play with a friend').click();
  await expect(phone.button('Invite by link')).toBeVisible();
  expect(await overflow()).toBe(0);
  await phone.page.keyboard.press('Escape');
  await expect(phone.page.getByRole('dialog')).toHaveCount(0);
  // The dialog's Escape is not the seek's.
  await isWaiting(phone, 'Custom');
});
