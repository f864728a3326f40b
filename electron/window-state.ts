import { readFileSync, renameSync, writeFileSync } from 'node:fs';

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface WindowState {
  readonly bounds: Rectangle | undefined;
  readonly maximized: boolean;
}

export const DEFAULT_WIDTH = 1_600;
export const DEFAULT_HEIGHT = 1_000;
/** Below this the interface shows one view at a time and is still usable. */
export const MIN_WIDTH = 640;
export const MIN_HEIGHT = 480;
/** A remembered window must show this much of itself on some display, or it opens in the default place. */
const VISIBLE_PIXELS = 80;

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** Reads the remembered window. A missing, damaged or off-screen state gives the default: a bad file never keeps the window away. */
export function loadWindowState(path: string, displays: readonly Rectangle[]): WindowState {
  const none: WindowState = { bounds: undefined, maximized: false };
  let data: unknown;
  try {
    data = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return none;
  }
  if (typeof data !== 'object' || data === null) return none;
  const { x, y, width, height, maximized } = data as Record<string, unknown>;
  if (!isNumber(x) || !isNumber(y) || !isNumber(width) || !isNumber(height)) return none;
  const bounds = { x, y, width: Math.max(width, MIN_WIDTH), height: Math.max(height, MIN_HEIGHT) };
  if (!displays.some((display) => overlaps(bounds, display))) return { ...none, maximized: maximized === true };
  return { bounds, maximized: maximized === true };
}

/** Writes through a temporary file, so that a kill in the middle leaves the old state. */
export function saveWindowState(path: string, bounds: Rectangle, maximized: boolean): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, JSON.stringify({ ...bounds, maximized }));
  renameSync(temporary, path);
}

function overlaps(a: Rectangle, b: Rectangle): boolean {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width >= VISIBLE_PIXELS && height >= VISIBLE_PIXELS;
}
