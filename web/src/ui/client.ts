// What the views are given to work with; main.tsx puts it together. It is the only way from a view to the server.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Api } from '../core/api';
import type { Hub } from '../core/hub';

export interface Client {
  readonly hub: Hub;
  readonly api: Api;
  /** Goes to another page of this site without loading it anew. */
  navigate(path: string): void;
  /** Notes that this window's user has a seat in a game. */
  sitsIn(game: string): void;
}

const ClientContext = createContext<Client | null>(null);
export const ClientProvider = ClientContext.Provider;

export function useClient(): Client {
  const client = useContext(ClientContext);
  if (client === null) throw new Error('the view is outside of ClientProvider');
  return client;
}
