import './lib/no-eval.ts';
import { mount } from 'svelte';
import App from './App.svelte';
import './base.css';
import { connect } from './lib/connect.ts';
import { AppStore } from './lib/engine.svelte.ts';
import { theme } from './lib/theme.svelte.ts';
import { panels } from './panels/registry.ts';

theme.start();

const app = new AppStore();

async function reconnect(): Promise<void> {
  try {
    await app.attach(await connect());
  } catch (error) {
    app.lose(error instanceof Error ? error.message : String(error));
  }
}

const target = document.getElementById('app');
if (target !== null) {
  mount(App, { target, props: { app, panels, reconnect } });
  void reconnect();
}
