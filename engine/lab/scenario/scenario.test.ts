import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { unwrap } from '../../base/index.ts';
import {
  MAX_YAML_ALIASES,
  MAX_YAML_CHARS,
  canonicalScenario,
  parseScenario,
  prefixProblem,
  scenarioIssues,
  scenarioJsonSchema,
  scenarioSha256,
} from './index.ts';

const folder = fileURLToPath(new URL('../../../resources/scenarios/', import.meta.url));

function good(yaml: string) {
  const parsed = parseScenario(yaml);
  if (!parsed.ok) throw new Error(parsed.error.map((i) => `${String(i.line)}:${String(i.column)} ${i.field}: ${i.message}`).join('\n'));
  return parsed.value;
}

describe('bundled scenarios', () => {
  const files = readdirSync(folder).filter((f) => f.endsWith('.yaml'));
  test('those that the window and the manual name are there', () => {
    expect(files).toEqual(expect.arrayContaining(['464xlat', 'both-directions', 'default', 'nat64', 'single-queue', 'slow-reader', 'small-rings', 'wide-open'].map((name) => `${name}.yaml`))); // prettier-ignore
  });
  test.each(files)('%s is good, explains itself, and is named like its file', (file) => {
    const text = readFileSync(folder + file, 'utf8');
    const scenario = good(text);
    expect(`${scenario.name}.yaml`).toBe(file);
    expect(scenario.title.length).toBeGreaterThan(5);
    expect(scenario.description.length).toBeGreaterThan(60);
    expect(text).toMatch(/^# /);
    expect(scenario.ports.filter((p) => p.kind === 'host')).toHaveLength(1);
    // What one queue's pools take must leave room for the rest of the program on a small machine.
    const packets = scenario.device.poolPackets + scenario.ports.reduce((n, p) => n + p.poolPackets, 0);
    expect(packets * scenario.device.queues * (scenario.device.bufferBytes + 64)).toBeLessThan(256 * 1024 * 1024);
  });
});

describe('findings', () => {
  test('an unknown field is named with its line, column and what was probably meant', () => {
    expect(scenarioIssues('name: a\ndevice:\n  queues: 2\n  rxRingSlot: 64\n')).toEqual([
      { line: 4, column: 3, field: 'device.rxRingSlot', message: 'unknown field rxRingSlot; did you mean rxRingSlots?' },
    ]);
    expect(scenarioIssues('name: a\nports:\n  - id: x\n    kind: user\n    select: [{ Port: 443 }]\n')[0]).toEqual({
      line: 5,
      column: 16,
      field: 'ports.0.select.0.Port',
      message: 'unknown field Port; did you mean port?',
    });
    expect(scenarioIssues('name: a\nzzzzzz: 1\n')[0]?.message).toMatch(/^unknown field zzzzzz; known here: name, title/);
  });

  test('a socket that closes or stalls must be one of those there are', () => {
    const port = (sockets: string): string => `name: a\nports:\n  - { id: host, kind: host, sockets: { ${sockets} } }\n`;
    const found = (sockets: string) => scenarioIssues(port(sockets)).map(({ field, message }) => [field, message]);
    expect(found('by: count, count: 2, closes: [{ atMs: 1, socket: 1 }], stalls: [{ atMs: 1, forMs: 1 }]')).toEqual([]);
    expect(found('by: count, count: 2, closes: [{ atMs: 1 }, { atMs: 1, socket: 2000000000 }]')).toEqual([
      ['ports.0.sockets.closes.1.socket', 'there is no socket 2000000000: count gives sockets 0 to 1'],
    ]);
    expect(found('max: 8, stalls: [{ atMs: 1, forMs: 1, socket: 8 }]')).toEqual([
      ['ports.0.sockets.stalls.0.socket', 'there is no socket 8: max gives sockets 0 to 7'],
    ]);
  });

  test('types, ranges and choices say what must stand there', () => {
    const text = 'name: a\ndevice:\n  queues: many\n  rxRingSlots: 1.5\n  poolPackets: 99999999\nports:\n  - { id: X, kind: usr }\n';
    expect(scenarioIssues(text).map((i) => [i.line, i.field, i.message])).toEqual([
      [3, 'device.queues', 'must be a number, not the text "many"'],
      [4, 'device.rxRingSlots', 'must be a whole number, not 1.5'],
      [5, 'device.poolPackets', 'must be at most 65,536, not 99999999'],
      [7, 'ports.0.id', 'the text "X" must be a lower-case name of up to 32 letters, digits and hyphens that starts with a letter'],
      [7, 'ports.0.kind', 'must be one of host, user, translator, multicast, not the text "usr"; did you mean user?'],
    ]);
    expect(scenarioIssues('title: no name')[0]?.message).toBe('is missing: text must stand here');
    expect(scenarioIssues('')[0]?.field).toBe('name');
    expect(scenarioIssues('- a\n- b\n')[0]?.message).toBe('must be a group of named fields, not a list');
    expect(scenarioIssues('name: a\nports: [{ id: x, kind: user, select: [{ protocol: tpc }] }]')[0]?.message).toMatch(/did you mean tcp/);
  });

  test('what the schema cannot say is found as well', () => {
    const text = [
      'name: a',
      'device: { local: ["10.0.0.1/8", "fe80::/129"] }',
      'ports:',
      '  - { id: a, kind: user }',
      '  - { id: a, kind: user, select: [{ prefix: 300.1.1.1, protocol: tcp }] }',
      '  - { id: device, kind: user, select: [{ ipVersion: 6, source: 10.0.0.0/8 }] }',
      '  - { id: h, kind: host }',
      '  - { id: h2, kind: host, select: [{ protocol: icmp, port: 7 }, { ipVersion: 4, protocol: icmpv6 }] }',
    ].join('\n');
    expect(scenarioIssues(text).map((i) => `${String(i.line)} ${i.field} ${i.message}`)).toEqual([
      '2 device.local.0 "10.0.0.1/8" has bits set beyond its length; write 10.0.0.0/8',
      '2 device.local.1 the length in "fe80::/129" must be 0 to 128',
      '4 ports.0 user port a selects nothing; add a select, such as select: [{ protocol: tcp, port: 443 }], or [{}] for everything',
      '5 ports.1.id the name a is already taken by port 1 of the list',
      '5 ports.1.select.0.prefix "300.1.1.1" is not an IPv4 or IPv6 prefix; write 192.0.2.0/24 or 2001:db8::/32',
      '6 ports.2.id device is the name of a part of the switch; give the port another name',
      '6 ports.2.select.0.source an IPv4 prefix never matches where ipVersion is 6',
      '8 ports.4.kind there is one host port already; a scenario has one',
      '8 ports.4.select.0.port icmp has no ports, so this never matches',
      '8 ports.4.select.1.protocol icmpv6 is not carried by IPv4; write icmp, or ipVersion: 6',
    ]);
  });

  test('syntax errors, keys given twice and unknown tags have a place', () => {
    expect(scenarioIssues('name: a\ndevice: {queues: 1\n')[0]?.line).toBeGreaterThanOrEqual(2);
    expect(scenarioIssues('name: a\nname: b\n')[0]).toMatchObject({ line: 2, column: 1 });
    expect(scenarioIssues('name: !!js/function "x"\n')).toHaveLength(1);
    expect(scenarioIssues('name: a\n{ b: 1 }: 2\n')[0]?.message).toMatch(/name of a field/);
    expect(scenarioIssues('name: a\n__proto__: { x: 1 }\n')[0]?.field).toBe('__proto__');
  });

  test('large, deep and exploding texts are refused, quickly and in words', () => {
    expect(scenarioIssues(`name: a\n#${'x'.repeat(MAX_YAML_CHARS)}`)[0]?.message).toMatch(/1000000 are read at most/);
    expect(scenarioIssues(`name: ${'['.repeat(100_000)}`)[0]?.message).toMatch(/nested deeper/);
    expect(scenarioIssues(`name:\n${'- '.repeat(50_000)}a`)[0]?.message).toMatch(/nested deeper/);
    const stairs = Array.from({ length: 1_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n');
    expect(scenarioIssues(stairs)[0]?.message).toMatch(/nested deeper/);
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++) {
      const from = String.fromCharCode(96 + i);
      const to = String.fromCharCode(97 + i);
      bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(', ')}]`);
    }
    expect(scenarioIssues(bomb.join('\n'))[0]?.message).toMatch(/aliases/i);
    const many = `name: a\nx: &x 1\ny: [${Array(MAX_YAML_ALIASES + 1)
      .fill('*x')
      .join(', ')}]`;
    expect(scenarioIssues(many)[0]?.message).toBe(`more than ${String(MAX_YAML_ALIASES)} aliases`);
    expect(scenarioIssues('name: *nobody')).toHaveLength(1);
  });

  test('no text throws, and every finding stands inside the text', () => {
    const piece = fc.constantFrom(
      'name: a',
      'device:',
      '  queues: 4',
      '- id: x',
      '{',
      '}',
      '[',
      ']',
      '&a',
      '*a',
      '"',
      ': ',
      '\n',
      '\t',
      '| ',
      '? ',
      '---',
      '!!int',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 20 }).map((p) => p.join(' ')),
        ),
        (text) => {
          for (const issue of scenarioIssues(text)) {
            expect(issue.line).toBeGreaterThanOrEqual(1);
            expect(issue.line).toBeLessThanOrEqual(text.split('\n').length + 1);
            expect(issue.column).toBeGreaterThanOrEqual(1);
            expect(issue.message).not.toBe('');
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('meaning', () => {
  test('defaults and a host port are added; aliases may share a reader', () => {
    const s = good(
      'name: a\nports:\n  - id: x\n    kind: user\n    select: [{}]\n    reader: &r { wakeUs: 7 }\n  - { id: y, kind: user, select: [{}], reader: *r }\n',
    );
    expect(s.ports.map((p) => [p.id, p.kind, p.reader.wakeUs])).toEqual([
      ['x', 'user', 7],
      ['y', 'user', 7],
      ['host', 'host', 50],
    ]);
    expect(s.device.queues).toBe(4);
  });

  test('comments and order do not change the hash, any parameter does', () => {
    const a = good('name: a\nseed: 2\ndevice: { queues: 2, moderationUs: 5 }');
    const b = good('# hello\ndevice:\n  moderationUs: 5 # five\n  queues: 2\nseed: 2\nname: a');
    expect(canonicalScenario(b)).toBe(canonicalScenario(a));
    expect(scenarioSha256(b)).toBe(scenarioSha256(a));
    expect(scenarioSha256(good('name: a\nseed: 2\ndevice: { queues: 2, moderationUs: 6 }'))).not.toBe(scenarioSha256(a));
    expect(good(canonicalScenario(a))).toEqual(a);
  });

  test('prefixes', () => {
    for (const good of ['192.0.2.0/24', '0.0.0.0/0', '::/0', '2001:db8::1', '10.1.2.3', '64:ff9b::/96', '2001:db8::8/125']) {
      expect(prefixProblem(good)).toBeUndefined();
    }
    for (const bad of ['', '/', '10.0.0.0/33', '10.0.0.0/x', '10.0.0.0/', '::1/0', '10.0.0.0/08000', 'a.b.c.d', '1.2.3/8', '10.0.0.0/-1']) {
      expect(prefixProblem(bad)).toBeTypeOf('string');
    }
  });

  test('the JSON Schema names every field and needs only a name', () => {
    const schema = scenarioJsonSchema() as { required: string[]; properties: Record<string, { properties?: Record<string, unknown> }> };
    expect(schema.required).toEqual(['name']);
    expect(Object.keys(schema.properties)).toEqual(['name', 'title', 'description', 'seed', 'device', 'flowSwitch', 'ports', 'stack']);
    expect(Object.keys(schema.properties['device']?.properties ?? {})).toContain('rxRingSlots');
    expect(unwrap(parseScenario('name: a')).name).toBe('a');
  });
});
