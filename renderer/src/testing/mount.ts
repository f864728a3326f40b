import { render } from 'vitest-browser-svelte';
import App from '../App.svelte';
import '../base.css';
import { AppStore } from '../lib/engine.svelte.ts';
import type { PanelDefinition } from '../lib/panel.ts';
import { theme } from '../lib/theme.svelte.ts';
import { panels as allPanels } from '../panels/registry.ts';
import { engineDouble, type EngineDouble } from './double.ts';

/** The whole window on an engine double, with nothing remembered from another test. */
export async function mountApp(
  options: { readonly panels?: readonly PanelDefinition[]; readonly theme?: 'dark' | 'light'; readonly open?: boolean } = {},
): Promise<{ app: AppStore; double: EngineDouble }> {
  localStorage.clear();
  theme.start();
  theme.set(options.theme ?? 'dark');
  const double = engineDouble();
  const app = new AppStore();
  await render(App, { app, panels: options.panels ?? allPanels, reconnect: () => Promise.resolve() });
  await app.attach(double.client);
  if (options.open === true) await app.open('sample-1', 'first.pcapng');
  return { app, double };
}
