import { svelte } from '@sveltejs/vite-plugin-svelte';
import { playwright } from '@vitest/browser-playwright';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The Chromium of the machine: none is downloaded. It may not call home, and as root it has no sandbox. */
const chromium = {
  executablePath: process.env['RINGSIDE_CHROMIUM'] ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['engine/**/*.test.ts', 'electron/**/*.test.ts', 'scripts/**/*.test.ts', 'e2e/**/*.test.ts', 'bench/**/*.test.ts'],
          environment: 'node',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'renderer',
          include: ['renderer/**/*.test.ts'],
          exclude: ['renderer/**/*.browser.test.ts'],
          environment: 'node',
        },
      },
      {
        root: fileURLToPath(new URL('./renderer', import.meta.url)),
        plugins: [svelte()],
        // Found in advance, because a dependency that is found while tests run reloads the page under them.
        optimizeDeps: {
          include: [
            'svelte',
            'svelte/reactivity',
            'zod',
            'axe-core',
            'vitest-browser-svelte',
            '@xterm/xterm',
            '@xterm/addon-fit',
            '@xterm/addon-search',
            '@xterm/addon-serialize',
            '@xterm/addon-web-links',
            '@xterm/addon-webgl',
          ], // prettier-ignore,
          exclude: ['@lucide/svelte'],
        },
        test: {
          name: 'browser',
          include: ['src/**/*.browser.test.ts'],
          testTimeout: 30_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            viewport: { width: 1_400, height: 900 },
            provider: playwright({ launchOptions: chromium }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});
