import type { ITheme } from '@xterm/xterm';

/**
 * Colours of the terminal. Its ground is dark in both themes, so the sixteen colours are those of the dark palette whatever the window's theme; ground, text
 * and selection come from the tokens. Cyan, red, yellow, green, blue and magenta mean what they mean everywhere: translated, dropped, held, good, IPv4, IPv6.
 */
export function terminalTheme(): ITheme {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  return {
    background: token('--term-bg'),
    foreground: token('--term-text'),
    cursor: token('--term-text'),
    cursorAccent: token('--term-bg'),
    selectionBackground: '#1f3a52',
    black: '#1a212b',
    red: '#ff6b6b',
    green: '#4cc38a',
    yellow: '#f2b84b',
    blue: '#5aa2ff',
    magenta: '#b18cff',
    cyan: '#3fb6c6',
    white: '#c9d3de',
    brightBlack: '#8393a6',
    brightRed: '#ff9a9a',
    brightGreen: '#7fdcae',
    brightYellow: '#ffd685',
    brightBlue: '#8cbfff',
    brightMagenta: '#cdb3ff',
    brightCyan: '#7fd6e2',
    brightWhite: '#f4f8fb',
  };
}
