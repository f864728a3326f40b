import type { Component } from 'svelte';
import { render } from 'vitest-browser-svelte';
import { vi } from 'vitest';
import type { SessionInfo } from '../../../../engine/contract/index.ts';
import { Commands } from '../../lib/commands.ts';
import { AppStore } from '../../lib/engine.svelte.ts';
import type { PanelProps } from '../../lib/panel.ts';
import { engineDouble, type EngineDouble } from '../../testing/double.ts';
import { packetRow, sessionInfo, SCENARIO_YAML, WORLD } from '../../testing/world.ts';
import Stage from './Stage.svelte';

export interface Staged {
  readonly app: AppStore;
  readonly double: EngineDouble;
  readonly commands: Commands;
  readonly root: HTMLElement;
  find<E extends HTMLElement = HTMLElement>(selector: string): E;
  all(selector: string): HTMLElement[];
}

export interface StageOptions {
  readonly body: Component<PanelProps>;
  readonly head?: Component<PanelProps>;
  readonly width?: number;
  readonly height?: number;
  /** Input of this many packets instead of the double's own. */
  readonly packets?: number;
  /** Changes the double before the input is opened. */
  readonly before?: (double: EngineDouble) => void;
}

/** Shows one panel over the engine double with an input opened and its first run finished. */
export async function stage(options: StageOptions): Promise<Staged> {
  localStorage.clear();
  document.documentElement.dataset['theme'] = 'dark';
  const double = engineDouble();
  const { packets } = options;
  if (packets !== undefined) grow(double, packets);
  options.before?.(double);
  const app = new AppStore();
  await app.attach(double.client);
  await app.open('sample-1', 'first.pcapng');
  const commands = new Commands();
  const { body, head, width = 760, height = 480 } = options;
  await render(Stage, { app, commands, body, width, height, ...(head && { head }) });
  const root = document.querySelector<HTMLElement>('section');
  if (root === null) throw new Error('The stage was not rendered.');
  return {
    app,
    double,
    commands,
    root,
    find: <E extends HTMLElement>(selector: string): E => {
      const found = root.querySelector<E>(selector) ?? document.querySelector<E>(selector);
      if (found === null) throw new Error(`There is no ${selector}.`);
      return found;
    },
    all: (selector) => [...root.querySelectorAll<HTMLElement>(selector)],
  };
}

/** The double's world with many more packets, computed from the number as ever. */
function grow(double: EngineDouble, packets: number): void {
  const info = (name: string): SessionInfo => {
    const small = sessionInfo('big', name, SCENARIO_YAML);
    return { ...small, capture: { ...small.capture, packets, durationNs: (packets - 1) * WORLD.gapNs } };
  };
  double.override('session.open', () => info('big.pcapng'));
  double.override('packets.rows', ({ first, count }) => {
    const last = Math.min(packets, first + count - 1);
    const rows = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => packetRow(first + i, true));
    return { total: packets, rows };
  });
  double.override('packets.at', ({ tNs }) => ({ number: Math.min(packets, Math.floor(tNs / WORLD.gapNs) + 1) }));
  double.override('packets.find', ({ text, from, direction }) => {
    const wanted = Number(/Len=(\d+)/.exec(text)?.[1] ?? 0);
    return { number: wanted > 0 && (wanted - from) * direction > 0 && wanted <= packets ? wanted : 0 };
  });
}

/** Waits until a check passes; the last failure is the test's failure. */
export function eventually(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor<void>(check, { timeout: 5_000, interval: 20 });
}
