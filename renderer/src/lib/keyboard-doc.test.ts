import { format } from 'prettier';
import { expect, it, vi } from 'vitest';
import page from '../../../docs/keyboard.md?raw';
import packetsPanel from '../panels/packets/PacketsPanel.svelte?raw';
import registry from '../panels/registry.ts?raw';
import { appCommands, type Workbench } from './app-commands.ts';
import { COMMAND_GROUPS, type Command } from './commands.ts';

// A rune of Svelte, which this test has no use for.
vi.mock('./theme.svelte.ts', () => ({ theme: {} }));

type Shown = Pick<Command, 'title' | 'group' | 'hotkeys' | 'cli'>;

/** Titles and keys of the panels, read from the registry's text: importing it would load every component. */
function panels(): { id: string; title: string; hotkey?: string }[] {
  return [...registry.matchAll(/^ {4}id: '(\w+)',\n {4}title: '([^']+)',[^]*?^ {2}\},/gm)].map(([entry, id = '', title = '']) => {
    const hotkey = /hotkey: '([^']+)'/.exec(entry)?.[1];
    return { id, title, ...(hotkey !== undefined && { hotkey }) };
  });
}

/** Commands that the packet list adds while it is shown, from its text. */
function packetListCommands(): Shown[] {
  return [...packetsPanel.matchAll(/id: 'packets\.\w+', title: '([^']+)', group: 'Packets',(?: hotkeys: \[([^\]]+)\],)?/g)].map(
    (match) => ({
      title: match[1] ?? '',
      group: 'Packets',
      hotkeys: [...(match[2] ?? '').matchAll(/'([^']+)'/g)].map((key) => key[1] ?? ''),
    }),
  );
}

function commands(): Shown[] {
  const bench = { app: {}, ui: {}, layout: { panels: panels() } } as unknown as Workbench;
  return [...appCommands(bench), ...packetListCommands()];
}

function table(): string {
  const keys = (hotkeys: readonly string[] = []): string =>
    hotkeys.map((key) => (key.includes('`') ? `\`\` ${key} \`\`` : `\`${key}\``)).join(', ');
  const rows = COMMAND_GROUPS.flatMap((group) =>
    commands()
      .filter((command) => command.group === group)
      .map(({ title, hotkeys, cli }) => `| ${group} | ${title} | ${keys(hotkeys)} | ${cli === undefined ? '' : `\`${cli}\``} |`),
  );
  return ['| group | command | keys | on the command line |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

it('reads every panel and every command of the packet list', () => {
  expect(panels().map(({ id }) => id)).toEqual([...registry.matchAll(/^ {4}id: '(\w+)'/gm)].map((match) => match[1]));
  expect(panels().filter(({ hotkey }) => hotkey !== undefined)).toHaveLength(registry.split('hotkey: ').length - 1);
  expect(packetListCommands()).toHaveLength(packetsPanel.split("id: 'packets.").length - 1);
});

// `npx vitest run renderer/src/lib/keyboard-doc.test.ts -u` writes the table again.
it('docs/keyboard.md holds every command', async () => {
  const block = /(<!-- table: commands -->\n)[^]*?(<!-- end -->)/;
  expect(page).toMatch(block);
  const text = page.replace(block, (_all, open: string, close: string) => `${open}\n${table()}\n\n${close}`);
  const options = { parser: 'markdown', singleQuote: true, printWidth: 140, trailingComma: 'all' } as const;
  await expect(await format(text, options)).toMatchFileSnapshot('../../../docs/keyboard.md');
});
