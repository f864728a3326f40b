import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { svelte } from '@sveltejs/vite-plugin-svelte';

/**
 * One bundle serves both hosts: Electron loads it from disk, `ringside serve` from loopback. So every address is relative, nothing
 * is inlined (a strict Content-Security-Policy forbids inline scripts and data: fonts), and fonts ship as files.
 */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  publicDir: false,
  plugins: [svelte()],
  build: {
    // Timings of plugins are nothing a user of `npm start` can act on.
    rolldownOptions: { checks: { pluginTimings: false } },
    outDir: fileURLToPath(new URL('../dist/renderer', import.meta.url)),
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    reportCompressedSize: false,
  },
});
