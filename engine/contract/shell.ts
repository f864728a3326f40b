import type { InputRef } from './session.ts';

/**
 * What the desktop shell's preload script offers the window, as `window.ringsideShell`. Absent when the interface is
 * served to a browser.
 */
export interface RingsideShell {
  /** `linux`, `darwin` or `win32`. */
  readonly platform: string;
  /** Handle for a file that was dropped on the window; null where it is no file on disk. */
  handleForFile(file: File): Promise<InputRef | null>;
  /** The menu bar runs commands by their id, as the palette does. Returns the function that ends it. */
  onCommand(listener: (commandId: string) => void): () => void;
  /** Tells the menu which theme is in use, so that the window's frame follows. */
  setTheme(theme: 'dark' | 'light' | 'system'): void;
}

/**
 * The window asks for its MessagePort by posting this to itself; the preload script answers with `SHELL_PORT` and the port
 * in `event.ports[0]`.
 */
export const SHELL_PORT_REQUEST = 'ringside-port-request';
export const SHELL_PORT = 'ringside-port';

/** Commands the menu bar offers; the window has a command of the same id for each. */
export const MENU_COMMANDS = [
  'input.open',
  'capture.start',
  'session.close',
  'report.export',
  'packets.find',
  'packets.goto',
  'transport.toggle',
  'transport.step',
  'transport.back',
  'view.palette',
  'view.terminal',
  'view.theme',
  'view.reset',
  'help.keys',
] as const;
export type MenuCommand = (typeof MENU_COMMANDS)[number];
