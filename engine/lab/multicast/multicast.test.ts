import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { multicastStateSchema } from '../../contract/index.ts';
import { buildOption113, parseOption113 } from '../../multicast/index.ts';
import { MulticastLab, multicastJsonSchema, parseMulticast } from './index.ts';

const folder = join(import.meta.dirname, '../../../resources/multicast');
const text = (name: string): string => readFileSync(join(folder, `${name}.yaml`), 'utf8');
const issues = (yaml: string): string[] => {
  const parsed = parseMulticast(yaml);
  return parsed.ok ? [] : parsed.error.map(({ line, field, message }) => `${line} ${field} ${message}`);
};

describe('network texts', () => {
  it.each(readdirSync(folder))('%s is good and named like its file', (file) => {
    const yaml = text(file.replace('.yaml', ''));
    expect(issues(yaml)).toEqual([]);
    const parsed = parseMulticast(yaml);
    expect(parsed.ok && `${parsed.value.name}.yaml`).toBe(file);
    expect(parsed.ok && parsed.value.description.length).toBeGreaterThan(60);
  });

  it('are refused with line and field', () => {
    const yaml = [
      'name: a',
      'routers: [{ id: r1, kind: dual }, { id: r2, kind: v4 }]',
      'links:',
      '  - { id: l, ends: [r1, r9] }',
      'sources:',
      '  - { id: s, at: r1, v4: 192.0.2.1, v6: mapped, group: 224.0.0.5 }',
      '  - { id: r1, at: nowhere, v4: 192.0.2.1, group: 10.0.0.1 }',
      'receivers:',
      '  - { id: h, at: r1, protocol: igmpv2, group: 233.252.0.1, source: 192.0.2.1, joinS: 5, leaveS: 4 }',
      'rps: [{ router: r2, family: v6 }]',
      'events: [{ atS: 1, link: x, up: false }, { atS: 2 }]',
      'prefixes: { asm: ff0e::/96 }',
    ].join('\n');
    expect(issues(yaml)).toEqual([
      '4 links.0.ends.1 there is no router r9',
      '6 sources.0.group 224.0.0.5 has no IPv6 form: 224.0.0.0/24 stays on its link (RFC 5771) and is never mapped',
      '7 sources.1.id the name r1 is already taken',
      '7 sources.1.at there is no router or link nowhere',
      '7 sources.1.group "10.0.0.1" is not a multicast group',
      '9 receivers.0.source igmpv2 cannot name a source; use igmpv3',
      '9 receivers.0.leaveS a receiver leaves after it has joined',
      '10 rps.0.family r2 does not speak v6',
      '11 events.0.link there is no link x',
      '11 events.1 nothing happens: give up, cost4, cost6, delayMs, bias4 or bias6',
    ]);
    expect(issues('name: a\nrouters: [{ id: r1, kind: dual }]\nprefixes: { ssm: "ff0e::/96" }')).toEqual([
      '3 prefixes.ssm ff0e::/96 is not in the source-specific range ff3x::/32',
    ]);
    expect(issues('name: a\nrouter: []')[0]).toMatch(/^2 router unknown field router; did you mean routers/);
    expect(issues('name: a')).toEqual(['1 routers a network needs at least one router, or `random`']);
  });

  it('have a JSON Schema', () => {
    expect(Object.keys((multicastJsonSchema() as { properties: object }).properties)).toContain('routers');
  });
});

describe('a network somebody looks at', () => {
  it('is the same at a time whether one comes from before or after it', () => {
    const lab = new MulticastLab('shorter-path', text('shorter-path'));
    const early = lab.stateAt(5e9);
    const late = lab.stateAt(12e9);
    expect(multicastStateSchema.parse(late)).toEqual(late);
    expect(lab.stateAt(5e9)).toEqual(early);
    expect(lab.stateAt(12e9)).toEqual(late);
  });

  it('flips its choice when a cost is set, and goes back when that is taken back', () => {
    const lab = new MulticastLab('shorter-path', text('shorter-path'));
    expect(lab.stateAt(8e9).entries[0]!.choice).toBe('v4');
    const info = lab.set(4e9, { link: 'north', cost4: 20 });
    expect(info.revision).toBe(2);
    expect(info.events.map((each) => each.text)).toContain('link north: cost4 20');
    const state = lab.stateAt(8e9);
    expect(state.entries[0]).toMatchObject({ choice: 'v6', reason: 'v6 chosen because its cost 5 is lower than 21 of v4' });
    expect(state.revision).toBe(2);
    lab.reset();
    expect(lab.stateAt(8e9).entries[0]!.choice).toBe('v4');
    expect(() => lab.set(4e9, { link: 'nowhere', up: false })).toThrow(/there is no link nowhere/);
    expect(lab.stateAt(1e9).revision).toBe(3);
  });

  it('has a log with translated fields, a series and a mapper', () => {
    const lab = new MulticastLab('shorter-path', text('shorter-path'));
    const { rows, total } = lab.log(0, 1_000, { router: 'r3' });
    expect(total).toBe(rows.length);
    const join = rows.find(({ kind, direction }) => kind === 'join' && direction === 'sent')!;
    expect(join).toMatchObject({
      source: '192.0.2.33',
      group: '232.1.2.3',
      translatedSource: '2001:db8:64::c000:221',
      translatedGroup: 'ff3e::e801:203',
    });
    expect(lab.log(0, 1_000, { untilNs: 3e9 }).rows.every(({ tNs }) => tNs <= 3e9)).toBe(true);
    expect(lab.series().delivered.reduce((a, b) => a + b, 0)).toBeGreaterThan(1_000);
    expect(lab.map('233.252.0.1')).toMatchObject({ v6: 'ff0e::db8:e9fc:1', kind: 'group', prefix: 'ff0e::db8:0:0/96' });
    expect(lab.map('2001:db8:64::c000:221')).toMatchObject({ v4: '192.0.2.33', kind: 'source' });
    expect(lab.map('224.0.0.1').refused).toContain('never mapped');
    const { parts } = lab.map('192.0.2.33');
    expect(parts[0]!.from).toBe(0);
    expect(parts.at(-1)!.to).toBe(128);
    for (const [i, part] of parts.entries()) if (i > 0) expect(part.from).toBe(parts[i - 1]!.to);
    expect(() => lab.map('x')).toThrow(/not an IPv4 or IPv6 address/);
  });
});

describe('DHCPv6 option 113 (RFC 8115)', () => {
  it('is written and read back', () => {
    const prefixes = { asm: 'ff0e::db8:0:0/96', ssm: 'ff3e::/96', source: '2001:db8:122:344::/64' };
    const built = buildOption113(prefixes);
    if (!built.ok) throw new Error(built.error);
    expect(parseOption113(built.value, 4, built.value.length)).toEqual({ ok: true, value: prefixes });
    expect(parseOption113(built.value, 4, built.value.length - 1).ok).toBe(false);
  });
});
