// The way in over HTTP, the same for all Node peers: `POST /guests` answers a token, `POST /games` with the tokens of both
// players begins a game. The token library is handed in.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const SECRET = process.env.JWT_SECRET;
const MAX_BODY = 4096;

/** The user of a token; throws if it is not one of ours. */
export const userOf = (jwt, token) => jwt.verify(token, SECRET, { algorithms: ['HS256'] }).sub;

/** What `POST /guests` answers. */
export const guest = (jwt) => ({
  token: jwt.sign({ sub: randomUUID() }, SECRET, { algorithm: 'HS256', expiresIn: '24h' }),
});

/** What a new game is begun with, from the body of `POST /games`. */
export const terms = (jwt, { white, black, limit, increment }) => ({
  white: userOf(jwt, white), black: userOf(jwt, black), limit, increment,
});

/** The token of `Authorization: Bearer …`, if there is one. */
export const bearer = (header) => (header?.startsWith('Bearer ') ? header.slice(7) : undefined);

/** A server for both requests; `begin` gets the terms and answers the id of the new game. */
export function entrance(jwt, begin) {
  return createServer(async (request, response) => {
    try {
      const answer = await serve(request);
      response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}));
    } catch (error) {
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: error.message }));
    }
  });

  async function serve(request) {
    if (request.method !== 'POST') return undefined;
    const body = await read(request);
    if (request.url === '/guests') return guest(jwt);
    if (request.url === '/games') return { game: await begin(terms(jwt, body)) };
    return undefined;
  }
}

/** What follows a flag on the command line. */
export const flag = (name) => process.argv[process.argv.indexOf(name) + 1];

/** Listens where `--listen HOST:PORT` says, and says so. */
export function listen(server) {
  const [host, port] = flag('--listen').split(':');
  server.listen({ host, port: Number(port), backlog: 4096 }, () => console.log(`listening on http://${host}:${port}`));
}

async function read(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MAX_BODY) throw new Error('too large');
  }
  return JSON.parse(text || '{}');
}
