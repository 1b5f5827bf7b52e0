// Holds the built page to its sizes: what a first visit to the start page or to a game loads, compressed. Beyond a limit the
// build fails. It measures dist as vite left it, by vite's own manifest.
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(await readFile(new URL('.vite/manifest.json', dist), 'utf8'));

/** All chunks that one needs, itself included. */
const closure = (name, found = new Set()) => {
  if (found.has(name)) return found;
  found.add(name);
  for (const next of manifest[name].imports ?? []) closure(next, found);
  return found;
};
const bytes = async (files) => {
  const sizes = [...new Set(files)].map(async (file) => gzipSync(await readFile(new URL(file, dist)), { level: 9 }).length);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
};
const script = (page) => [...closure('index.html'), ...closure(page)].map((name) => manifest[name].file);
const styles = Object.values(manifest).flatMap(({ file, css = [] }) => (file.endsWith('.css') ? [file] : css));

for (const [what, files, limit] of [
  ['script of the start page', script('src/pages/home.tsx'), 40_000],
  ['script of a game', script('src/pages/game.tsx'), 60_000],
  ['all styles', styles, 16_000],
]) {
  const size = await bytes(files);
  console.log(`${what}: ${size} of ${limit} bytes`);
  if (size > limit) process.exitCode = 1;
}
