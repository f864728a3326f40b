import { expect, it, vi } from 'vitest';
import { MENU_COMMANDS } from '../../../engine/contract/index.ts';
import registry from '../panels/registry.ts?raw';
import { appCommands, type Workbench } from './app-commands.ts';

// A rune of Svelte, which this test has no use for.
vi.mock('./theme.svelte.ts', () => ({ theme: {} }));

it('the window has every command of the menu bar, whatever view is open', () => {
  const panels = [...registry.matchAll(/^ {4}id: '(\w+)',\n {4}title: '([^']+)'/gm)].map(([, id = '', title = '']) => ({ id, title }));
  const bench = { app: {}, ui: {}, layout: { panels } } as unknown as Workbench;
  const ids = appCommands(bench).map((command) => command.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(MENU_COMMANDS.filter((id) => !ids.includes(id))).toEqual([]);
});
