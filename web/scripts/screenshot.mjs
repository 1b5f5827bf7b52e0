// Takes the README's picture: a game under way on the running page, as its white player sees it.
// ZEITNOT_BIN names the server's binary, CHROMIUM the browser's; the argument is the file to write.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from '@playwright/test';

const [file] = process.argv.slice(2);
const { ZEITNOT_BIN: binary, CHROMIUM: executablePath } = process.env;
if (file === undefined || binary === undefined) {
  throw new Error('usage: ZEITNOT_BIN=… CHROMIUM=… node scripts/screenshot.mjs FILE');
}

// A Nimzo-Indian in which Black has an idea.
const MOVES =
  'd2d4 g8f6 c2c4 e7e6 b1c3 f8b4 d1c2 d7d5 a2a3 b4c3 c2c3 f6e4 c3c2 b8c6 e2e3 e6e5 c4d5 d8d5 f1c4 d5a5 b2b4 c6b4 c2e4 b4c2';

const data = await mkdtemp(join(tmpdir(), 'zeitnot-screenshot-'));
const server = spawn(binary, ['--listen', '127.0.0.1:0', '--internal-listen', '127.0.0.1:0', '--data-dir', data], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
let browser;
try {
  const [first] = await new Promise((resolve) => createInterface(server.stdout).once('line', (...line) => resolve(line)));
  const url = first.replace('listening on ', '');

  const post = async (path, body, token) => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return answer.json();
  };
  const [anna, bo] = [await post('/api/auth/guest', { name: 'Anna' }), await post('/api/auth/guest', { name: 'Bo' })];
  const { id: game } = await post('/api/challenge/open', { 'clock.limit': 300, 'clock.increment': 3 });
  await post(`/api/challenge/${game}/accept`, { color: 'white' }, anna.token);
  await post(`/api/challenge/${game}/accept`, { color: 'black' }, bo.token);

  browser = await chromium.launch({ args: ['--no-sandbox'], ...(executablePath && { executablePath }) });
  const page = await browser.newPage({ viewport: { width: 1200, height: 700 }, reducedMotion: 'reduce' });
  // The window is Anna's.
  const guest = { token: anna.token, expiresAt: anna.expires_at, user: anna.user, games: [game] };
  await page.addInitScript((kept) => localStorage.setItem('zeitnot.guests', kept), JSON.stringify([guest]));
  await page.goto(`${url}/${game}`);
  const script = { game, moves: MOVES.split(' '), tokens: [anna.token, bo.token] };
  await page.evaluate(({ game, moves, tokens }) => {
    // They stay open until the window closes: whoever leaves is shown as away.
    const open = (token) =>
      new Promise((resolve) => {
        const protocols = ['zeitnot.v1', ...(token === undefined ? [] : [`bearer.${token}`])];
        const socket = new WebSocket(`ws://${location.host}/ws`, protocols);
        socket.onopen = () => resolve(socket);
      });
    const ask = (socket, message) =>
      new Promise((resolve, reject) => {
        socket.onmessage = ({ data }) => {
          const { t, re } = JSON.parse(data);
          if (re !== message.id) return;
          if (t !== 'error') resolve();
          else reject(new Error(`${message.t}: ${data}`));
        };
        socket.send(JSON.stringify(message));
      });
    return (async () => {
      const sockets = [await open(tokens[0]), await open(tokens[1]), await open()];
      for (const socket of sockets) await ask(socket, { id: 200, t: 'watch', game });
      for (const [ply, uci] of moves.entries()) {
        await ask(sockets[ply % 2], { id: ply + 1, t: 'move', game, uci, ply, think: 1500 });
      }
      await ask(sockets[1], { id: 100, t: 'say', game, room: 'players', text: 'A double check, at last!' });
    })();
  }, script);
  await page.locator('.moves-list .move').nth(script.moves.length - 1).waitFor();
  await page.getByText('at last!').waitFor();
  await page.getByText('Bo away').waitFor({ state: 'detached' });
  await page.screenshot({ path: file, animations: 'disabled' });
} finally {
  await browser?.close();
  server.kill();
  await rm(data, { recursive: true, force: true });
}
