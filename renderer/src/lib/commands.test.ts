import { describe, expect, it } from 'vitest';
import { scoreCommand, type Command } from './commands.ts';
import { keyCaps, matches, parseHotkey } from './hotkey.ts';
import { lineOfPath } from './yaml-path.ts';

const press = (key: string, held: Partial<Record<'ctrlKey' | 'shiftKey' | 'altKey' | 'metaKey', boolean>> = {}): KeyboardEvent =>
  ({ key, ctrlKey: false, shiftKey: false, altKey: false, metaKey: false, ...held }) as unknown as KeyboardEvent;

describe('hotkeys', () => {
  it('match with exactly their modifiers', () => {
    const palette = parseHotkey('Ctrl+Shift+P');
    expect(matches(palette, press('P', { ctrlKey: true, shiftKey: true }), false)).toBe(true);
    expect(matches(palette, press('p', { ctrlKey: true }), false)).toBe(false);
    expect(matches(palette, press('P', { metaKey: true, shiftKey: true }), true)).toBe(true);
    expect(matches(palette, press('P', { ctrlKey: true, shiftKey: true }), true)).toBe(false);
    expect(matches(parseHotkey('Space'), press(' '), false)).toBe(true);
    expect(matches(parseHotkey('F7'), press('F7', { shiftKey: true }), false)).toBe(false);
  });

  it('take signs wherever the keyboard has them, shifted or not', () => {
    expect(matches(parseHotkey('?'), press('?', { shiftKey: true }), false)).toBe(true);
    expect(matches(parseHotkey('Ctrl+`'), press('`', { ctrlKey: true }), false)).toBe(true);
    expect(matches(parseHotkey('Ctrl+.'), press('.', { ctrlKey: true }), false)).toBe(true);
  });

  it('are drawn as key caps, in the words of the platform', () => {
    expect(keyCaps('Ctrl+Shift+P', false)).toEqual(['Ctrl', 'Shift', 'P']);
    expect(keyCaps('Ctrl+ArrowUp', true)).toEqual(['⌘', '↑']);
  });
});

describe('palette', () => {
  const command = (group: Command['group'], title: string): Command => ({ id: title, title, group, run: () => undefined });

  it('wants every word and prefers titles that begin with it', () => {
    expect(scoreCommand(command('File', 'Open a capture file'), 'open cap')).toBeGreaterThan(0);
    expect(scoreCommand(command('File', 'Open a capture file'), 'open zebra')).toBe(0);
    const starts = scoreCommand(command('Transport', 'Play or pause'), 'play');
    expect(starts).toBeGreaterThan(scoreCommand(command('Packets', 'Move the playhead'), 'play'));
  });
});

describe('line of a parameter', () => {
  const yaml = [
    'name: x # a comment',
    '',
    'device:',
    '  queues: 2',
    '  rxRingSlots: 64',
    'ports:',
    '  - id: a',
    '    kind: host',
    '  - id: b',
    '    reader:',
    '      # how many at once',
    '      batch: 8',
    'flowSwitch:',
    '  batch: 32',
  ].join('\n');

  it('is found through maps and lists', () => {
    expect(lineOfPath(yaml, 'device.rxRingSlots')).toBe(5);
    expect(lineOfPath(yaml, 'ports.0.kind')).toBe(8);
    expect(lineOfPath(yaml, 'ports.1.id')).toBe(9);
    expect(lineOfPath(yaml, 'ports.1.reader.batch')).toBe(12);
    expect(lineOfPath(yaml, 'flowSwitch.batch')).toBe(14);
    expect(lineOfPath('ports:\n- id: a\n- id: b\n', 'ports.1.id')).toBe(3);
  });

  it('is null where the text leaves the parameter to its default', () => {
    expect(lineOfPath(yaml, 'device.moderationUs')).toBeNull();
    expect(lineOfPath(yaml, 'ports.0.reader.batch')).toBeNull();
    expect(lineOfPath(yaml, 'ports.2.id')).toBeNull();
    expect(lineOfPath('', 'device')).toBeNull();
  });
});
