import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { MENU_COMMANDS, type InputRef } from '../engine/contract/index.ts';
import { readArguments } from './arguments.ts';
import { EngineLink, type EngineChild } from './engine-link.ts';
import { menuTemplate } from './menu.ts';
import { CONTENT_SECURITY_POLICY, assetPath, mayNavigate, mayOpenOutside, mayUse, mediaType } from './security.ts';
import type { FromEngine, ShellQuestion, ToEngine } from './shell-messages.ts';
import { loadWindowState, saveWindowState } from './window-state.ts';

describe('what a window may do', () => {
  test('it stays on the program’s own pages', () => {
    expect(mayNavigate('ringside://app/index.html')).toBe(true);
    for (const url of ['ringside://other/', 'https://app/', 'file:///etc/passwd', 'javascript:alert(1)', 'data:text/html,x', '', '::']) {
      expect(mayNavigate(url), url).toBe(false);
    }
  });

  test('only https leaves for the browser, without credentials', () => {
    expect(mayOpenOutside('https://www.rfc-editor.org/rfc/rfc7915')).toBe(true);
    for (const url of ['http://example.org', 'file:///etc/passwd', 'https://user:pw@example.org', 'smb://host', 'x']) {
      expect(mayOpenOutside(url), url).toBe(false);
    }
  });

  test('no permission but copying', () => {
    expect(mayUse('clipboard-sanitized-write')).toBe(true);
    for (const permission of ['media', 'geolocation', 'notifications', 'clipboard-read', 'openExternal', 'fileSystem']) {
      expect(mayUse(permission), permission).toBe(false);
    }
  });

  test('no URL leads out of the renderer’s folder', () => {
    expect(assetPath('ringside://app/')).toEqual(['index.html']);
    expect(assetPath('ringside://app/assets/a.js?x#y')).toEqual(['assets', 'a.js']);
    expect(assetPath('ringside://app/%2e%2e/%2e%2e/etc/passwd')?.includes('..') ?? false).toBe(false);
    expect(assetPath('ringside://app/..%2f..%2fetc')).toBeUndefined();
    expect(assetPath('ringside://app/a%00b')).toBeUndefined();
    expect(assetPath('ringside://app/a%5c..%5cb')).toBeUndefined();
    expect(assetPath('ringside://app/%zz')).toBeUndefined();
    fc.assert(
      fc.property(fc.string(), (path) => {
        const segments = assetPath(`ringside://app/${path}`);
        expect(segments?.some((s) => s === '..' || s.includes('/') || s.includes('\\')) ?? false).toBe(false);
      }),
    );
  });

  test('the policy allows no inline script, no eval and no other origin', () => {
    expect(CONTENT_SECURITY_POLICY).toContain("script-src 'self';");
    expect(CONTENT_SECURITY_POLICY).toContain("default-src 'none'");
    expect(CONTENT_SECURITY_POLICY).not.toMatch(/unsafe-eval|https?:|\*/);
    expect(mediaType('a/b.JS')).toBe('text/javascript; charset=utf-8');
    expect(mediaType('a/b.exe')).toBeUndefined();
  });
});

describe('arguments', () => {
  test('a file opens a window, --cli is the command line, and only own helpers run', () => {
    expect(readArguments(['--no-sandbox', 'a.pcap'], '/captures')).toEqual({ kind: 'window', file: '/captures/a.pcap' });
    expect(readArguments([], '/')).toEqual({ kind: 'window', file: undefined });
    expect(readArguments(['--cli', 'info', 'x'], '/')).toEqual({ kind: 'cli', args: ['info', 'x'] });
    expect(readArguments(['--ringside-program=capture-helper', 'eth0', '96'], '/')).toEqual({
      kind: 'program',
      name: 'capture-helper',
      args: ['eth0', '96'],
    });
    expect(readArguments(['--ringside-program=../../evil'], '/')).toEqual({ kind: 'window', file: undefined });
  });
});

describe('the remembered window', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringside-window-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const display = { x: 0, y: 0, width: 1_920, height: 1_080 };

  test('comes back where it was', () => {
    const path = join(folder, 'window.json');
    saveWindowState(path, { x: 10, y: 20, width: 1_200, height: 800 }, true);
    expect(loadWindowState(path, [display])).toEqual({ bounds: { x: 10, y: 20, width: 1_200, height: 800 }, maximized: true });
  });

  test('does not open on a display that is gone, nor from a damaged file', () => {
    const path = join(folder, 'window.json');
    saveWindowState(path, { x: 5_000, y: 0, width: 800, height: 600 }, false);
    expect(loadWindowState(path, [display]).bounds).toBeUndefined();
    for (const text of ['', '{', '[]', 'null', '{"x":"1"}', '{"x":1e999,"y":0,"width":1,"height":1}']) {
      writeFileSync(path, text);
      expect(loadWindowState(path, [display])).toEqual({ bounds: undefined, maximized: false });
    }
    expect(loadWindowState(join(folder, 'none.json'), [display]).maximized).toBe(false);
  });

  test('is never smaller than it can be used', () => {
    const path = join(folder, 'window.json');
    saveWindowState(path, { x: 0, y: 0, width: 10, height: 10 }, false);
    expect(loadWindowState(path, [display]).bounds).toMatchObject({ width: 640, height: 480 });
  });
});

test('every command of the menu is a command of the contract, each once', () => {
  const chosen: string[] = [];
  const template = menuTemplate('linux', 'Ringside', [{ path: '/a/b.pcap', name: 'b.pcap' }], {
    command: (id) => chosen.push(id),
    openPath: (path) => chosen.push(path),
    clearRecent: () => chosen.push('clear'),
  });
  const click = (items: typeof template): void => {
    for (const item of items) {
      if (Array.isArray(item.submenu)) click(item.submenu);
      else (item.click as (() => void) | undefined)?.();
    }
  };
  click(template);
  expect([...chosen].sort()).toEqual([...MENU_COMMANDS, '/a/b.pcap', 'clear'].sort());
});

class ChildDouble implements EngineChild<string> {
  readonly sent: { message: ToEngine; ports: string[] }[] = [];
  killed = false;
  private onMessage: (message: FromEngine) => void = () => undefined;
  private onExit: (code: number) => void = () => undefined;
  postMessage(message: ToEngine, ports: string[] = []): void {
    this.sent.push({ message, ports });
  }
  on(event: 'message' | 'exit', listener: ((message: FromEngine) => void) | ((code: number) => void)): void {
    if (event === 'message') this.onMessage = listener as (message: FromEngine) => void;
    else this.onExit = listener as (code: number) => void;
  }
  kill(): boolean {
    this.killed = true;
    return true;
  }
  say(message: FromEngine): void {
    this.onMessage(message);
  }
  exit(code: number): void {
    this.onExit(code);
  }
}

describe('the engine’s process', () => {
  const input: InputRef = { handle: 'h1', name: 'a.pcap', folder: '~', bytes: 1 };
  function link(ask: (question: ShellQuestion) => Promise<string | null> = () => Promise.resolve(null)) {
    const children: ChildDouble[] = [];
    const lost: number[] = [];
    const engine = new EngineLink<string>({
      start: () => {
        const child = new ChildDouble();
        children.push(child);
        return child;
      },
      ask,
      onRecent: () => undefined,
      onLost: (code) => lost.push(code),
    });
    return { engine, children, lost };
  }

  test('a window’s port goes straight to the engine', () => {
    const { engine, children } = link();
    engine.connect('port-1');
    expect(children[0]?.sent).toEqual([{ message: { kind: 'client' }, ports: ['port-1'] }]);
  });

  test('a dropped path becomes a handle', async () => {
    const { engine, children } = link();
    const handle = engine.register('/captures/a.pcap');
    expect(children[0]?.sent[0]?.message).toEqual({ kind: 'register', id: 1, path: '/captures/a.pcap' });
    children[0]?.say({ kind: 'registered', id: 1, input });
    expect(await handle).toEqual(input);
  });

  test('a question the engine asks gets its answer, also when the dialog fails', async () => {
    const { children } = link((question) =>
      question.kind === 'pick' ? Promise.resolve('/x.pcap') : Promise.reject(new Error('no window')),
    );
    children[0]?.say({ kind: 'ask', id: 7, question: { kind: 'pick', file: 'capture' } });
    children[0]?.say({ kind: 'ask', id: 8, question: { kind: 'save', name: 'r.html', format: 'html' } });
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(children[0]?.sent.map((s) => s.message)).toEqual([
      { kind: 'answer', id: 7, path: '/x.pcap' },
      { kind: 'answer', id: 8, path: null },
    ]);
  });

  test('when it dies, waiting calls end, it is reported once, and a new one is started', async () => {
    const { engine, children, lost } = link();
    const waiting = engine.register('/a');
    children[0]?.exit(139);
    expect(await waiting).toBeNull();
    expect(lost).toEqual([139]);
    engine.restart();
    engine.connect('port-2');
    expect(children).toHaveLength(2);
    expect(children[1]?.sent[0]?.ports).toEqual(['port-2']);
    children[0]?.exit(1);
    expect(lost).toEqual([139]);
  });

  test('closing ends it without a report', () => {
    const { engine, children, lost } = link();
    engine.close();
    children[0]?.exit(0);
    engine.restart();
    expect(children).toHaveLength(1);
    expect(children[0]?.killed).toBe(true);
    expect(lost).toEqual([]);
  });
});

test('the window’s preload script asks for nothing beyond the sandbox', () => {
  const text = readFileSync(new URL('./preload.ts', import.meta.url), 'utf8');
  expect([...text.matchAll(/from '([^']+)'/g)].map((m) => m[1]).filter((from) => !from?.startsWith('.'))).toEqual(['electron']);
});
