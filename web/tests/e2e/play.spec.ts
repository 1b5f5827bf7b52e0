// Whole games between two people, from the start page to the result.
import { expect, test } from './support/test';

test('two people play to mate with the mouse', async ({ pair }) => {
  const [white, black] = await pair();
  await expect(white.page).toHaveTitle(/^Your turn/);
  await white.drag('f2', 'f3');
  await black.sees('f3');
  await expect(black.page).toHaveTitle(/^Your turn/);
  await black.click('e7', 'e5');
  await white.sees('f3', 'e5');
  await white.drag('g2', 'g4');
  await black.sees('f3', 'e5', 'g4');
  await black.drag('d8', 'h4');
  for (const player of [white, black]) {
    await player.sees('f3', 'e5', 'g4', 'Qh4#');
    await expect(player.status).toContainText('0–1');
    await expect(player.status).toContainText('Black won by checkmate');
  }
});

test('a rematch changes the colors without a new page', async ({ pair }) => {
  const [white, black] = await pair();
  const first = white.page.url();
  await white.drag('e2', 'e4');
  await black.drag('e7', 'e5');
  await white.sees('e4', 'e5');
  await white.button('Resign').click();
  await white.button('Yes, resign').click();
  await expect(black.status).toContainText('Black won – White resigned');
  await white.button('Rematch').click();
  await black.button('Accept rematch').click();
  await expect(white.page).not.toHaveURL(first);
  await expect(white.page.locator('.cg-wrap.orientation-black')).toBeVisible();
  await black.drag('d2', 'd4');
  await white.sees('d4');
});

test('a premove is played when the reply arrives', async ({ pair }) => {
  const [white, black] = await pair();
  await white.drag('e2', 'e4');
  await black.sees('e4');
  await white.drag('g1', 'f3');
  await expect(white.status).toContainText('Premove set');
  await black.drag('e7', 'e5');
  for (const player of [white, black]) await player.sees('e4', 'e5', 'Nf3');
});

test('a pawn becomes what its player chooses', async ({ pair }) => {
  const [white, black] = await pair();
  const moves = [['h2', 'h4'], ['g7', 'g5'], ['h4', 'g5'], ['h7', 'h6'], ['g5', 'h6'], ['g8', 'f6'], ['h6', 'h7'], ['a7', 'a6']] as const;
  for (const [index, [from, to]] of moves.entries()) {
    const player = index % 2 === 0 ? white : black;
    await player.drag(from, to);
    await expect(white.moves).toHaveCount(index + 1);
    await expect(black.moves).toHaveCount(index + 1);
  }
  await white.drag('h7', 'g8');
  await expect(white.page.locator('.promotion')).toHaveCount(0);
  await white.drag('h7', 'h8');
  await expect(white.page.locator('.promotion')).toHaveCount(0);
  await black.page.keyboard.press('ArrowLeft');
  await expect(black.button('Newest position')).toHaveText('Live');
  await white.drag('h1', 'h6');
  await expect(black.moves).toHaveCount(9);
  await black.button('Newest position').click();
  await black.drag('f6', 'g8');
  await white.drag('h6', 'a6');
  await black.drag('b7', 'b6');
  await expect(white.moves).toHaveCount(12);
  await white.drag('h7', 'g8');
  await white.button('Promote to knight').click();
  await expect(black.moves.last()).toHaveText('hxg8=N');
});

test('offers are made, refused and taken', async ({ pair }) => {
  const [white, black] = await pair();
  await white.drag('e2', 'e4');
  await black.drag('e7', 'e5');
  await white.sees('e4', 'e5');
  await black.button('Takeback').click();
  await white.button('Allow').click();
  for (const player of [white, black]) await player.sees('e4');
  await black.drag('c7', 'c5');
  await white.sees('e4', 'c5');
  await white.button('Draw').click();
  await black.button('Decline').click();
  await expect(white.status).toContainText('Your turn');
  await white.button('+15 s').click();
  await expect(black.page.locator('.strip[data-color="black"] .clock')).toContainText(/5:1\d/);
  await white.drag('g1', 'f3');
  await black.button('Draw').click();
  await white.button('Accept draw').click();
  await expect(black.status).toContainText('Draw by agreement');
});

test('crazyhouse lets a captured piece come back', async ({ pair }) => {
  const [white, black] = await pair({ variant: 'crazyhouse' });
  await white.drag('e2', 'e4');
  await black.drag('d7', 'd5');
  await white.drag('e4', 'd5');
  await black.drag('d8', 'd5');
  await white.sees('e4', 'd5', 'exd5', 'Qxd5');
  await white.page.getByRole('group', { name: 'white pocket' }).getByLabel('pawn, 1 in hand').click();
  const box = await white.page.locator('cg-board').boundingBox();
  if (box === null) throw new Error('there is no board');
  await white.page.mouse.click(box.x + box.width * 0.5625, box.y + box.height * 0.5625);
  await expect(black.moves.last()).toHaveText(/^P?@e4$/);
});

test('players talk, and only text arrives', async ({ pair }) => {
  const [white, black] = await pair();
  await white.page.getByLabel('Message').fill('<b>good luck</b>');
  await white.page.keyboard.press('Enter');
  await expect(black.page.locator('.chat-lines')).toContainText('<b>good luck</b>');
});
