// Those who do not sit at the board, small screens, and addresses with nothing behind them.
import { expect, test } from './support/test';

test('a third person watches and cannot move', async ({ pair, person }) => {
  const [white, black] = await pair();
  await white.drag('e2', 'e4');
  await black.sees('e4');
  const third = await person(white.page.url());
  await third.sees('e4');
  await expect(third.page.locator('.table-terms')).toContainText('you are watching');
  await expect(third.page.locator('.board[data-playable="false"]')).toBeVisible();
  await expect(third.button('Resign')).toHaveCount(0);
  await black.drag('c7', 'c5');
  await third.sees('e4', 'c5');
  expect(await third.position()).toBe(await white.position());
});

test('a game is played with a finger on a small phone, without scrolling', async ({ pair }) => {
  const phone = { viewport: { width: 320, height: 568 }, isMobile: true, hasTouch: true };
  const [white, black] = await pair({ second: phone });
  await white.drag('e2', 'e4');
  await black.sees('e4');
  await black.tap('e7', 'e5');
  await white.sees('e4', 'e5');
  const overflow = await black.page.evaluate(() => {
    const { scrollWidth, scrollHeight, clientWidth, clientHeight } = document.documentElement;
    return { x: scrollWidth - clientWidth, y: scrollHeight - clientHeight };
  });
  expect(overflow).toEqual({ x: 0, y: 0 });
  await expect(black.button('Resign')).toBeInViewport();
});

test('an address without a game says so', async ({ person, server }) => {
  const visitor = await person(`${server.url}/zzzzzzzz`);
  await expect(visitor.page.getByRole('heading')).toHaveText('There is no game here');
});
