import { describe, expect, it } from 'vitest';
import { explainCardSchema, translatorSchema, type TranslatorInput } from '../contract/index.ts';
import { putU16 } from '../base/index.ts';
import { checksum, emitIpv6, parseIpv4, parseIpv6 } from '../wire/index.ts';
import { createTranslator } from './create.ts';
import { explainTranslation } from './explain.ts';
import { fieldChanges } from './field-changes.ts';
import { REASON, REASONS, reasonOf } from './reasons.ts';
import { newSink, settingsOf, translatorOf } from './test-support.ts';

function six(hopLimit = 64): Uint8Array {
  const b = new Uint8Array(60);
  emitIpv6(b, 0, {
    source: parseIpv6('2001:db8:1::1')!,
    destination: parseIpv6('64:ff9b::c633:6409')!,
    nextHeader: 6,
    payloadLength: 20,
    hopLimit,
    flowLabel: 5,
    trafficClass: 8,
  });
  putU16(b, 40, 4_000);
  putU16(b, 42, 80);
  b[52] = 0x50;
  b[53] = 2;
  return b;
}

describe('explanations', () => {
  it('give each field before and after with its section', () => {
    const made = createTranslator(
      translatorSchema.parse({
        mode: 'nat64',
        nat64: { pool4: [{ prefix: '203.0.113.1', ports: [9_000, 9_001] }], maxSessions: 16, maxBindings: 16 },
      }),
    );
    if (!made.ok) throw new Error(made.error.message);
    const sink = newSink();
    const before = six();
    const code = made.value.translate(6, before, 0, before.length, before.length, sink, 0);
    const card = explainTranslation({ code, side: 6, before, after: sink.packet(0) });
    expect(explainCardSchema.parse(card)).toEqual(card);
    const line = (label: string): string | undefined => card.lines.find((l) => l.label === label)?.value;
    expect([card.title, card.tone]).toEqual(['IPv6 to IPv4', 'translated']);
    expect(line('Source')).toBe('2001:db8:1::1 became 203.0.113.1');
    expect(line('Hop limit and TTL')).toBe('64 became 63');
    expect(line('Traffic class and TOS')).toBe('8, as it was');
    expect(line('Source port')).toBe('4000 became 9000');
    expect(line('Destination port')).toBeUndefined();
    expect(line('Flow label')).toBe('0x00005 is lost');
    expect(line("Don't fragment")).toBe('clear');
    expect(card.lines.every((l) => (l.because ?? '') !== '')).toBe(true);
  });

  it.each<[string, TranslatorInput, string, string]>([
    ['siit', { maps: [{ v4: '192.0.2.0/24', v6: '2001:db8:1::/120' }] }, 'RFC 7757 section 3.3 maps.0', 'RFC 6052 section 2.3 pool6.0'],
    ['nat64', { mode: 'nat64', nat64: { pool4: [{ prefix: '203.0.113.1' }] } }, 'RFC 6146 section 3.5 nat64.pool4', 'RFC 6052 section 2.3 pool6.0'], // prettier-ignore
  ])('name the rule of each address in %s', (_mode, input, source, destination) => {
    const before = six();
    const sink = newSink();
    const code = translatorOf(input).translate(6, before, 0, before.length, before.length, sink, 0);
    const card = explainTranslation({ code, side: 6, before, after: sink.packet(0), settings: settingsOf(input) });
    const rule = (label: string): string | undefined =>
      card.lines.filter((line) => line.label === label).map(({ because, parameter }) => `${because} ${parameter}`)[0];
    expect([rule('Source'), rule('Destination')]).toEqual([source, destination]);
  });

  it.each<[string, TranslatorInput, string]>([
    ['siit', { maps: [{ v4: '192.0.2.0/24', v6: '2001:db8:1::/120' }] }, 'RFC 7915 section 5.5'],
    ['nat64', { mode: 'nat64', nat64: { pool4: [{ prefix: '203.0.113.1' }] } }, 'RFC 6146 section 3.5'],
  ])('name the rule of the ports in %s', (_mode, input, because) => {
    const before = six();
    const sink = newSink();
    translatorOf(input).translate(6, before, 0, before.length, before.length, sink, 0);
    const ports = fieldChanges(before, sink.packet(0), settingsOf(input)).filter(({ label }) => label.endsWith('port'));
    expect(ports.map((port) => port.because)).toEqual([because, because]);
  });

  it('say why not', () => {
    const card = explainTranslation({ code: REASON.noSource4, side: 6, before: six() });
    expect([card.tone, card.lines.length, card.lines[0]?.because]).toEqual(['dropped', 1, 'RFC 7915 section 5.1, RFC 7757 section 3.3.2']);
    expect(explainTranslation({ code: REASON.fragmentHeld, side: 6, before: six() }).tone).toBe('held');
  });

  it('cover IPv4 with options and fragments', () => {
    const made = createTranslator(translatorSchema.parse({ maps: [{ v4: '192.0.2.1', v6: '2001:db8:1::1' }] }));
    if (!made.ok) throw new Error(made.error.message);
    const b = new Uint8Array(40);
    b.set([0x46, 0, 0, 40, 0, 7, 0x20, 0, 64, 17]);
    b.set(parseIpv4('198.51.100.9')!, 12);
    b.set(parseIpv4('192.0.2.1')!, 16);
    b.set([1, 1, 1, 0], 20);
    b.set([0, 1, 0, 2, 0, 16, 0x12, 0x34], 24);
    putU16(b, 10, checksum(b, 0, 24));
    const sink = newSink();
    const code = made.value.translate(4, b, 0, b.length, b.length, sink, 0);
    const labels = explainTranslation({ code, side: 4, before: b, after: sink.packet(0) }).lines.map((l) => l.label);
    expect(labels).toEqual(expect.arrayContaining(['Fragment', 'IPv4 options', 'Checksum']));
  });
});

describe('reasons', () => {
  it('have one row for each code, with a section and a text', () => {
    expect(REASONS.map(({ code }) => code).sort((a, b) => a - b)).toEqual(Object.values(REASON).sort((a, b) => a - b));
    for (const { rfc, text, code } of REASONS) {
      expect(rfc).not.toBe('');
      expect(text).not.toBe('');
      expect(reasonOf(code).code).toBe(code);
    }
  });
});
