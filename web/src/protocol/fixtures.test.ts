// The contract with the server: every frame it wrote as an example must be readable here, and every client frame in its
// examples must be one that this page knows. The examples are made and checked by the server's own tests.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decode } from './decode';
import type { ClientMsg } from './index';

const folder = new URL('../../../server/game/tests/data/wire/', import.meta.url);
const clientTypes: { readonly [T in ClientMsg['t']]: true } = {
  watch: true, unwatch: true, move: true, resign: true, abort: true, berserk: true, draw: true, takeback: true,
  rematch: true, give_time: true, claim: true, flag: true, say: true, lobby: true, unlobby: true, seek: true,
  unseek: true, auth: true, ping: true,
};

function lines(name: string): string[] {
  const file = new URL(name, folder);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').filter((line) => line.trim() !== '');
}

for (const line of lines('server.jsonl')) {
  it(`decodes the server’s ${line}`, () => {
    expect(decode(line)).toMatchObject({ kind: 'msg', msg: { t: (JSON.parse(line) as { t: string }).t } });
  });
}

for (const line of lines('client.jsonl')) {
  it(`knows the client’s ${line}`, () => {
    expect(clientTypes).toHaveProperty((JSON.parse(line) as { t: string }).t);
  });
}

describe('decode', () => {
  it('tells an unknown type from a bad frame', () => {
    expect(decode('{"t":"confetti"}')).toEqual({ kind: 'unknown', t: 'confetti' });
    expect(decode('{"t":"toString"}')).toEqual({ kind: 'unknown', t: 'toString' });
    expect(decode('{"t":"crowd","game":"q7ZwA0bX","watchers":"many"}')).toEqual({ kind: 'bad', why: 'crowd.watchers' });
    expect(decode('{')).toEqual({ kind: 'bad', why: 'not JSON' });
    expect(decode('[]')).toEqual({ kind: 'bad', why: 'not an object' });
  });

  it('takes null for an absent field', () => {
    const decoded = decode('{"t":"error","re":null,"code":"stale","message":"too late"}');
    expect(decoded).toEqual({ kind: 'msg', msg: { t: 'error', code: 'stale', message: 'too late' } });
  });

  it('passes unknown fields', () => {
    expect(decode('{"t":"crowd","game":"q7ZwA0bX","watchers":3,"mood":"tense"}')).toMatchObject({ kind: 'msg' });
  });
});
