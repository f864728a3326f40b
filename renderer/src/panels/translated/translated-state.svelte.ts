import type { AppStore } from '../../lib/engine.svelte.ts';

export const TABS = ['conversations', 'bindings', 'packet', 'reasons', 'address', 'pools'] as const;
export type Tab = (typeof TABS)[number];

/** What the head and the body of the panel share. */
class TranslatedState {
  tab = $state<Tab>('conversations');
  filter = $state('');
}

const states = new WeakMap<AppStore, TranslatedState>();

export function translatedState(app: AppStore): TranslatedState {
  let state = states.get(app);
  if (state === undefined) states.set(app, (state = new TranslatedState()));
  return state;
}

/** What a view says that has nothing to show yet: whether the playhead is early, or the whole run has nothing. */
export function nothingYet(app: AppStore): { readonly text: string; readonly why: string } {
  const ports = app.summary?.ports.filter(({ kind }) => kind === 'translator') ?? [];
  if (ports.length > 0 && ports.every(({ packetsIn }) => packetsIn === 0)) {
    return {
      text: 'No packet of this capture comes to a translator.',
      why: 'Its addresses are not those that the translator ports select: see select in the scenario.',
    };
  }
  return { text: 'Nothing has come to a translator up to the playhead.', why: 'Play, or move the playhead on.' };
}

/** A table is read again no more often than this while the playhead moves: figures that change faster cannot be read. */
const REFRESH_MS = 500;
/** A scrubbed playhead has come to rest. */
const SETTLE_MS = 120;

/** Calls `read` now, when a run has finished, and while the playhead moves or is on its way; to be called while a component is made. */
export function followPlayhead(app: AppStore, visible: () => boolean, read: () => void): void {
  $effect(() => {
    void app.runVersion;
    if (visible()) read();
  });
  $effect(() => {
    if (!visible() || !(app.moving || app.seeking)) return;
    const timer = setInterval(read, REFRESH_MS);
    return () => {
      clearInterval(timer);
    };
  });
  $effect(() => {
    if (app.moving || app.seeking || !visible()) return;
    void app.transport;
    const timer = setTimeout(read, SETTLE_MS);
    return () => {
      clearTimeout(timer);
    };
  });
}
