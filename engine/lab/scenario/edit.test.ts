import { describe, expect, test } from 'vitest';
import { parseParameterValue, parseScenario, setParameter } from './index.ts';

const TEXT = `# my scenario
name: a   # a name
device:
  queues:   2      # two
  linkBps: 1e9

ports:
  # the channel
  - id: ch3
    kind: user
    select: [{ protocol: tcp, port: 443 }]
    reader: { wakeUs: 30, batch: 64 }   # quick
`;

function set(text: string, path: string, value: string | number | boolean): string {
  const result = setParameter(text, path, value);
  if (!result.ok) throw new Error(result.error.map((i) => i.message).join('\n'));
  return result.value;
}

describe('setParameter', () => {
  test('a value in the text is replaced and every other byte stays', () => {
    expect(set(TEXT, 'device.queues', 8)).toBe(TEXT.replace('2      #', '8      #'));
    expect(set(TEXT, 'ports.0.reader.batch', 128)).toBe(TEXT.replace('64 }', '128 }'));
    expect(set(TEXT, 'ports.ch3.reader.wakeUs', 0.5)).toBe(TEXT.replace('30,', '0.5,'));
    expect(set(TEXT, 'title', 'x')).toContain('# my scenario');
  });

  test('a value that is not there is added; comments stay', () => {
    const edited = set(TEXT, 'device.rxRingSlots', 2048);
    for (const comment of ['# my scenario', '# a name', '# two', '# the channel', '# quick']) expect(edited).toContain(comment);
    const parsed = parseScenario(edited);
    expect(parsed.ok && parsed.value.device.rxRingSlots).toBe(2048);
    const group = parseScenario(set(TEXT, 'flowSwitch.batch', 7));
    expect(group.ok && group.value.flowSwitch.batch).toBe(7);
    const empty = parseScenario(set('name: a\ndevice:\n', 'device.queues', 1));
    expect(empty.ok && empty.value.device.queues).toBe(1);
    expect(set('', 'name', 'x')).toBe('name: x\n');
  });

  test('texts that would read as something else are quoted', () => {
    for (const title of ['true', '12', 'a: b', 'x # y', '[1]', 'line\nbreak', '', ' "q" ', "it's", '*a', '&a', '1e9', 'null']) {
      const parsed = parseScenario(set(TEXT.replace('# my scenario', 'title: "old"'), 'title', title));
      expect(parsed.ok && parsed.value.title).toBe(title);
    }
  });

  test('what cannot be set says why and the text stays as it was', () => {
    const failing = (path: string, value: string | number, text = TEXT) => {
      const result = setParameter(text, path, value);
      return result.ok ? 'set' : result.error[0]?.message;
    };
    expect(failing('device.queues', 99)).toBe('must be at most 16, not 99');
    expect(failing('device.queus', 2)).toMatch(/did you mean queues/);
    expect(failing('device', 2)).toMatch(/group of parameters/);
    expect(failing('ports.nobody.kind', 'user')).toMatch(/has no entry nobody/);
    expect(failing('ports.7.kind', 'user')).toMatch(/has no entry 7/);
    expect(failing('name.x.y', 1)).toMatch(/group/);
    expect(failing('', 1)).toMatch(/not the path/);
    expect(failing('__proto__.x', 1)).toMatch(/not the path/);
    expect(
      failing(
        'ports.1.reader.batch',
        5,
        'name: a\nports: [{ id: x, kind: user, select: [{}], reader: &r {} }, { id: y, kind: user, select: [{}], reader: *r }]',
      ),
    ).toMatch(/alias/);
    expect(failing('seed', 5, 'name: [')).not.toBe('set');
  });

  test('values typed on a command line', () => {
    expect(['2048', '1e9', '1_000', 'true', 'host', '-3', '1.5', '192.0.2.0/24'].map(parseParameterValue)).toEqual([
      2048,
      1e9,
      1000,
      true,
      'host',
      -3,
      1.5,
      '192.0.2.0/24',
    ]);
  });
});
