import type { AppStore } from '../../lib/engine.svelte.ts';

/** Copies text and says so; where the browser forbids it, says that instead. */
export async function copyText(app: AppStore, text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    app.notices.info(`Copied ${what}.`);
  } catch (error) {
    app.notices.error('Copying', error);
  }
}
