// Browser tests against the real server; ZEITNOT_BIN names its binary. They wait for conditions, never for time.
import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

const chromium = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

export default defineConfig({
  testDir: 'tests/e2e',
  fullyParallel: true,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: process.env['CI'] !== undefined,
  // What failed, and why, is told at the end.
  reporter: 'dot',
  use: {
    launchOptions: {
      // Chromium's own sandbox needs a kernel feature that containers lack.
      args: ['--no-sandbox'],
      ...(existsSync(chromium) ? { executablePath: chromium } : {}),
    },
    trace: 'retain-on-failure',
  },
});
