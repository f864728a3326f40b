import { expect, test } from 'vitest';
import { hello } from '../../testing/world.ts';
import { eventually, stage, type Staged } from '../testing/stage.ts';
import { shellOf } from './shell.svelte.ts';
import TerminalHead from './TerminalHead.svelte';
import TerminalPanel from './TerminalPanel.svelte';

async function open(): Promise<Staged> {
  const s = await stage({ body: TerminalPanel, head: TerminalHead, width: 700, height: 300 });
  await eventually(() => {
    expect(s.find('.chip').textContent).toBe('bash');
  });
  return s;
}
const text = (s: Staged): string => shellOf(s.app).text();

test('the shell starts with the size of the panel', async () => {
  const s = await open();
  const { terminal } = shellOf(s.app);
  await eventually(() => {
    const sizes = [...s.double.callsOf('terminal.open'), ...s.double.callsOf('terminal.resize')];
    expect(sizes.at(-1)).toMatchObject({ cols: terminal.cols, rows: terminal.rows });
  });
  expect(terminal.cols).toBeGreaterThan(60);
  expect(terminal.rows).toBeGreaterThan(8);
});

test('what the shell prints is on the screen, what is typed goes to the shell', async () => {
  const s = await open();
  s.double.emit('terminal.data', { terminal: 't1', data: '$ ringside info sample.pcapng\r\n\x1b[31m37 dropped\x1b[0m\r\n' });
  s.double.emit('terminal.data', { terminal: 'another', data: 'not ours' });
  await eventually(() => {
    expect(text(s)).toContain('37 dropped');
  });
  expect(text(s)).not.toContain('not ours');
  shellOf(s.app).terminal.input('ls\r');
  await eventually(() => {
    expect(
      s.double
        .callsOf('terminal.write')
        .map((call) => (call as { data: string }).data)
        .join(''),
    ).toBe('ls\r');
  });
});

test('the screen and the shell outlive the panel', async () => {
  const s = await open();
  s.double.emit('terminal.data', { terminal: 't1', data: 'before the move\r\n' });
  await eventually(() => {
    expect(text(s)).toContain('before the move');
  });
  const { element } = shellOf(s.app).terminal;
  const elsewhere = document.createElement('div');
  elsewhere.style.cssText = 'width: 500px; height: 200px';
  document.body.append(elsewhere);
  element?.remove();
  s.double.emit('terminal.data', { terminal: 't1', data: 'while away\r\n' });
  const unmount = shellOf(s.app).mount(elsewhere);
  await eventually(() => {
    expect(elsewhere.contains(element ?? null)).toBe(true);
    expect(text(s)).toContain('while away');
  });
  expect(s.double.callsOf('terminal.open')).toHaveLength(1);
  unmount();
  elsewhere.remove();
});

test('the end of the shell is said, and Enter starts a new one', async () => {
  const s = await open();
  s.double.emit('terminal.exit', { terminal: 't1', code: 3 });
  await eventually(() => {
    expect(text(s)).toContain('the shell ended with code 3');
  });
  shellOf(s.app).terminal.input('\r');
  await eventually(() => {
    expect(s.double.callsOf('terminal.open')).toHaveLength(2);
  });
});

test('text is found in what was printed', async () => {
  const s = await open();
  s.double.emit('terminal.data', { terminal: 't1', data: 'largest burst 412 KiB\r\n' });
  await eventually(() => {
    expect(text(s)).toContain('412');
  });
  expect(shellOf(s.app).find('412 KiB', 1)).toBe(true);
  expect(shellOf(s.app).find('nowhere', 1)).toBe(false);
});

test('where there is no shell it says why', async () => {
  const why = 'node-pty is not built. Install make, g++ and python3, then run npm rebuild node-pty.';
  const s = await stage({
    body: TerminalPanel,
    before: (double) => {
      const usual = hello();
      double.override('hello', () => ({ ...usual, features: { ...usual.features, terminal: { ok: false, why } } }));
    },
  });
  await eventually(() => {
    expect(s.root.textContent).toContain(why);
  });
  expect(s.double.callsOf('terminal.open')).toHaveLength(0);
});
