// The way in over HTTP, the same for all Node peers: `POST /guests` answers a token, `POST /games` with the tokens of both
// players begins a game. The token library is handed in.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const SECRET = process.env.JWT_SECRET;
const MAX_BODY = 4096;

/** The user of a token; throws if it is not one of ours. */
export const userOf = (jwt, token) => jwt.verify(token, SECRET, { algorithms: ['HS256'] }).sub;

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
    if (request.url === '/guests') {
      return { token: jwt.sign({ sub: randomUUID() }, SECRET, { algorithm: 'HS256', expiresIn: '24h' }) };
    }
    if (request.url === '/games') {
      const { limit, increment } = body;
      const [white, black] = [userOf(jwt, body.white), userOf(jwt, body.black)];
      return { game: await begin({ white, black, limit, increment }) };
    }
    return undefined;
  }
}

/** Listens where `--listen HOST:PORT` says, and says so. */
export function listen(server) {
  const [host, port] = process.argv[process.argv.indexOf('--listen') + 1].split(':');
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
