/**
 * What the window remembers between starts (layout, theme, filters): localStorage behind one versioned door. Storage can be missing
 * or full, and what it holds may come from another version: both mean "nothing remembered", never an error.
 */

const PREFIX = 'ringside.';

export function recall<T>(key: string, version: number, check: (value: unknown) => value is T): T | null {
  try {
    const text = localStorage.getItem(PREFIX + key);
    if (text === null) return null;
    const stored: unknown = JSON.parse(text);
    if (typeof stored !== 'object' || stored === null || !('version' in stored) || !('value' in stored)) return null;
    return stored.version === version && check(stored.value) ? stored.value : null;
  } catch {
    return null;
  }
}

export function remember(key: string, version: number, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify({ version, value }));
  } catch {
    // Full or forbidden: the window works without a memory.
  }
}

export function forget(key: string): void {
  try {
    localStorage.removeItem(PREFIX + key);
  } catch {
    // As above.
  }
}
