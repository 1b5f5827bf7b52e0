// Which page an address means.

export type Route = { readonly page: 'home' } | { readonly page: 'game'; readonly id: string } | { readonly page: 'none' };

/** Shape of a game's id: 8 characters of `0-9A-Za-z`. */
const GAME = /^\/([0-9A-Za-z]{8})\/?$/;

export function routeOf(path: string): Route {
  if (path === '/' || path === '') return { page: 'home' };
  const id = gameIn(path);
  return id === undefined ? { page: 'none' } : { page: 'game', id };
}

/** The game in an address, if it is one of a game. */
export function gameIn(path: string): string | undefined {
  return GAME.exec(path)?.[1];
}
