import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap, u16 } from '../base/index.ts';
import { translatorSchema, type TranslatorInput } from '../contract/index.ts';
import { networkHeader, samplePackets } from '../wire/index.ts';
import { createTranslator } from './create.ts';
import { REASONS } from './reasons.ts';
import { newSink } from './test-support.ts';

/** Packets of every kind from their IP header on, as good as they can be; the tests below damage them. */
const GOOD: readonly Uint8Array[] = samplePackets().flatMap(({ bytes, linkType }) => {
  const at = networkHeader(bytes, 0, bytes.length, linkType);
  return at < 0 ? [] : [bytes.slice(at)];
});

const CONFIGS: readonly TranslatorInput[] = [
  { wellKnownPrivate: 'allow', maps: [{ v4: '192.0.2.0/24', v6: '2001:db8::/120' }] },
  { mode: 'nat64', nat64: { pool4: [{ prefix: '198.51.100.0/24' }], maxSessions: 64, maxBindings: 64 } },
  { mode: 'clat', clat: { networks: ['192.0.2.0/24'] } },
  { mode: 'mapt', mapt: { rules: [{ v6: '2001:db8::/40', v4: '198.51.100.0/24', eaBits: 16 }] } },
  { mode: 'dns64' },
];
const CODES = new Set(REASONS.map(({ code }) => code));

const change = fc.record({ at: fc.nat({ max: 200 }), value: fc.integer({ min: 0, max: 255 }) });
const damaged = fc.record({
  which: fc.nat({ max: GOOD.length - 1 }),
  changes: fc.array(change, { minLength: 0, maxLength: 6 }),
  cut: fc.option(fc.nat({ max: 120 }), { nil: undefined }),
});

describe('damaged packets', () => {
  it.each(CONFIGS.map((config) => [config.mode ?? 'siit', config] as const))(
    '%s says something known of each, and what leaves is whole',
    (_mode, config) => {
      const translator = unwrap(createTranslator(translatorSchema.parse(config)));
      const sink = newSink();
      let now = 0;
      fc.assert(
        fc.property(damaged, ({ which, changes, cut }) => {
          const b = GOOD[which]!.slice();
          for (const { at, value } of changes) if (at < b.length) b[at] = value;
          const length = Math.min(b.length, cut ?? b.length);
          sink.clear();
          now += 1e8;
          const side = b[0]! >> 4 === 6 ? 6 : 4;
          expect(CODES.has(translator.translate(side, b, 0, length, b.length, sink, now))).toBe(true);
          for (let i = 0; i < sink.count; i++) {
            const out = sink.packet(i);
            expect(out[0]! >> 4).toBe(sink.side[i]);
            expect(out.length).toBeLessThanOrEqual(sink.wireLength[i]!);
            const said = sink.side[i] === 6 ? 40 + u16(out, 4) : u16(out, 2);
            // DNS64 hands on what it does not change, link padding included.
            if (config.mode === 'dns64') expect(said).toBeLessThanOrEqual(sink.wireLength[i]!);
            else expect(said).toBe(sink.wireLength[i]);
          }
        }),
        { numRuns: 600 },
      );
    },
  );
});
