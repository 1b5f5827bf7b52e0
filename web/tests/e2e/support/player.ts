// A person at a page: moves with the mouse or a finger, and reads what is to be seen.
import { expect, type Locator, type Page } from '@playwright/test';

interface Point {
  readonly x: number;
  readonly y: number;
}

export class Player {
  constructor(readonly page: Page) {}

  get moves(): Locator {
    return this.page.locator('.moves-list .move');
  }

  get status(): Locator {
    return this.page.locator('.table-side .status');
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }

  /** Moves by dragging; waits until the piece may be moved. */
  async drag(from: string, to: string): Promise<void> {
    await this.#ready();
    const [start, end] = [await this.#center(from), await this.#center(to)];
    await this.page.mouse.move(start.x, start.y);
    await this.page.mouse.down();
    await this.page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2);
    await this.page.mouse.move(end.x, end.y);
    await this.page.mouse.up();
  }

  /** Moves by two clicks. */
  async click(from: string, to: string): Promise<void> {
    await this.#ready();
    for (const square of [from, to]) {
      const { x, y } = await this.#center(square);
      await this.page.mouse.click(x, y);
    }
  }

  /** Moves by two touches. */
  async tap(from: string, to: string): Promise<void> {
    await this.#ready();
    for (const square of [from, to]) {
      const { x, y } = await this.#center(square);
      await this.page.touchscreen.tap(x, y);
    }
  }

  /** Waits until the game has exactly these moves, all of them confirmed. */
  async sees(...sans: string[]): Promise<void> {
    await expect(this.moves).toHaveText(sans);
    await expect(this.page.locator('.move[data-unconfirmed="true"]')).toHaveCount(0);
  }

  /** What stands on the board, as the first field of a FEN. */
  async position(): Promise<string> {
    const fen = await this.page.locator('.board').getAttribute('data-fen');
    return fen?.split(' ')[0] ?? '';
  }

  async #ready(): Promise<void> {
    await expect(this.page.locator('.board[data-playable="true"]')).toBeVisible();
  }

  async #center(square: string): Promise<Point> {
    const board = this.page.locator('cg-board');
    // A board that was just put up has no size yet, and is drawn anew when it has got one.
    const boxes: Array<NonNullable<Awaited<ReturnType<Locator['boundingBox']>>>> = [];
    await expect(async () => {
      const box = await board.boundingBox({ timeout: 1000 });
      expect(box).not.toBeNull();
      if (box !== null) boxes.push(box);
    }).toPass();
    const box = boxes.at(-1);
    if (box === undefined) throw new Error('there is no board');
    const isWhite = (await this.page.locator('.cg-wrap.orientation-white').count()) > 0;
    const [file, rank] = [square.charCodeAt(0) - 97, Number(square[1]) - 1];
    const [column, row] = isWhite ? [file, 7 - rank] : [7 - file, rank];
    return { x: box.x + ((column + 0.5) * box.width) / 8, y: box.y + ((row + 0.5) * box.height) / 8 };
  }
}
