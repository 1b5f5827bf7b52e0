// Starts the real server on a free port with a data folder of its own, and stops it again.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Server {
  readonly url: string;
  readonly data: string;
  /** Ends it; its data stay for another one. */
  halt(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

const root = new URL('../../../../', import.meta.url).pathname;

/** The server's binary: ZEITNOT_BIN, else the newest that cargo left. */
export function binary(): string | undefined {
  const built = ['target/release/zeitnot', 'target/debug/zeitnot'].map((path) => join(root, path));
  return process.env['ZEITNOT_BIN'] ?? built.find((path) => existsSync(path));
}

export async function startServer(path: string, oldData?: string, more: readonly string[] = []): Promise<Server> {
  const data = oldData ?? (await mkdtemp(join(tmpdir(), 'zeitnot-e2e-')));
  const args = ['--listen', '127.0.0.1:0', '--internal-listen', '127.0.0.1:0', '--data-dir', data];
  // All people of all tests come from this machine.
  args.push('--rate-limits', 'off', ...more);
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  // After the start the end is expected.
  ended.catch(() => undefined);
  const listening = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /listening on (http:\/\/\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const url = await Promise.race([listening, ended]);
  const halt = async (): Promise<void> => {
    if (child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  };
  return {
    url: url.replace(/\/$/, ''),
    data,
    halt,
    stop: async () => {
      await halt();
      await rm(data, { recursive: true, force: true });
    },
  };
}
