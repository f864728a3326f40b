/** Hotkeys as text: `Ctrl+Shift+P`, `F7`, `Space`, `?`. On a Mac, Ctrl means Command. */

export interface Hotkey {
  readonly key: string;
  readonly ctrl: boolean;
  readonly shift: boolean;
  readonly alt: boolean;
}

export const isMac: boolean = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent);

/** A browser keeps these for its own tabs and windows: a page never sees them. */
const BROWSER_KEYS: ReadonlySet<string> = new Set(['Ctrl+W', 'Ctrl+T', 'Ctrl+N']);
const inBrowser = typeof window !== 'undefined' && window.ringsideShell === undefined;

/** Hotkeys that reach this window, for showing: in a browser, those that it leaves to the page. */
export function reachable(hotkeys: readonly string[] = [], browser = inBrowser): readonly string[] {
  return browser ? hotkeys.filter((hotkey) => !BROWSER_KEYS.has(hotkey)) : hotkeys;
}

export function parseHotkey(text: string): Hotkey {
  const parts = text.split('+');
  const key = parts.at(-1) ?? '';
  const has = (name: string): boolean => parts.slice(0, -1).includes(name);
  return { key: key.length === 1 ? key.toLowerCase() : key, ctrl: has('Ctrl'), shift: has('Shift'), alt: has('Alt') };
}

/** Keys that a keyboard layout may put on a shifted key: there Shift is part of the sign, not of the hotkey. */
const SIGNS = /^[^a-z0-9]$/i;

export function matches(hotkey: Hotkey, event: KeyboardEvent, mac = isMac): boolean {
  const pressed = event.key === ' ' ? 'Space' : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (pressed !== hotkey.key) return false;
  const ctrl = mac ? event.metaKey : event.ctrlKey;
  if (ctrl !== hotkey.ctrl || event.altKey !== hotkey.alt) return false;
  return SIGNS.test(hotkey.key) || event.shiftKey === hotkey.shift;
}

const MAC_NAMES: Readonly<Record<string, string>> = { Ctrl: '⌘', Shift: '⇧', Alt: '⌥' };
const SHOWN: Readonly<Record<string, string>> = { ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓' };

/** The keys of a hotkey, each to be drawn as one key cap. */
export function keyCaps(text: string, mac = isMac): string[] {
  return text
    .split('+')
    .map((part) => (mac ? MAC_NAMES[part] : undefined) ?? SHOWN[part] ?? (part.length === 1 ? part.toUpperCase() : part));
}
