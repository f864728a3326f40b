import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multicastPortSchema } from '../../contract/index.ts';
import { unwrap } from '../../base/index.ts';
import { groupPacket, RECORD } from '../messages/index.ts';
import { PortRouter } from '../network/index.ts';

/**
 * Random joins and leaves of receivers of both families at one translation router, against a model: an entry for each key that somebody wants, with
 * the lists of both families, joined upstream in the family of the lower cost and in no other.
 */

const KEYS = [
  { group: '232.1.1.1', group6: 'ff3e::e801:101', source: '192.0.2.33', source6: '2001:db8:64::c000:221' },
  { group: '232.1.1.2', group6: 'ff3e::e801:102', source: '192.0.2.33', source6: '2001:db8:64::c000:221' },
  { group: '232.1.1.1', group6: 'ff3e::e801:101', source: '198.51.100.7', source6: '2001:db8:64::c633:6407' },
];
const LINKS = ['lan1', 'lan2'];

function router(cost4: number) {
  const spec = multicastPortSchema.parse({
    limits: { fastLeave: true },
    joins: 'any',
    choice: { holdDownS: 0 },
    interfaces: [
      { id: 'up4', networks: ['10.4.0.0/24'], addresses: ['10.4.0.5'] },
      { id: 'up6', networks: ['2001:db8:6::/64'], addresses: ['fe80::5'] },
      { id: 'lan1', capture: 1, addresses: ['10.1.0.5', 'fe80::15'] },
      { id: 'lan2', capture: 2, addresses: ['10.2.0.5', 'fe80::25'] },
    ],
    routes: [
      { to: '0.0.0.0/0', interface: 'up4', via: '10.4.0.1', metric: cost4 },
      { to: '2001:db8::/32', interface: 'up6', via: 'fe80::1', metric: 5 },
    ],
  });
  return unwrap(PortRouter.create('m', spec));
}

const step = fc.record({
  link: fc.nat({ max: 1 }),
  key: fc.nat({ max: KEYS.length - 1 }),
  six: fc.boolean(),
  join: fc.boolean(),
  seconds: fc.constantFrom(0, 0.2, 3),
});

describe('random joins and leaves at a translation router', () => {
  it.each([3, 9])('end in the entries of a simple model, with an IPv4 path of cost %i against 5', (cost4) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const port = router(cost4);
        const wanted = new Set<string>();
        let tNs = 1e9;
        for (const { link, key, six, join, seconds } of steps) {
          const each = KEYS[key]!;
          const name = `${key} ${six ? 6 : 4} ${LINKS[link]}`;
          const known = wanted.has(name);
          if (join) wanted.add(name);
          else wanted.delete(name);
          // Who has not joined does not leave.
          if (!join && !known) continue;
          const record = {
            type: join ? RECORD.allow : RECORD.block,
            group: six ? each.group6 : each.group,
            sources: [six ? each.source6 : each.source],
          };
          const from = six ? `fe80::${link + 1}:${key + 1}` : `10.${link + 1}.0.${key + 100}`;
          const packet = groupPacket({ kind: 'report', version: 3, records: [record] }, six ? 6 : 4, from, six ? 'ff02::16' : '224.0.0.22');
          expect(port.take(link + 1, packet, tNs)).toBe('membership');
          tNs += seconds * 1e9;
        }
        // Until the last member queries have gone unanswered.
        port.runUntil(tNs + 3e9);
        const { entries } = port.state();
        const rows = entries.filter(({ outgoing4, outgoing6 }) => outgoing4.length + outgoing6.length > 0);
        const choice = cost4 < 5 ? 'v4' : 'v6';
        const model = KEYS.flatMap(({ group, source }, key) => {
          const of = (family: 4 | 6): string[] => LINKS.filter((link) => wanted.has(`${key} ${family} ${link}`));
          const [out4, out6] = [of(4), of(6)];
          return out4.length + out6.length === 0 ? [] : [`(${source}, ${group}) ${choice} ${out4.join('+')} | ${out6.join('+')}`];
        });
        const shown = rows.map(
          ({ key, choice: is, outgoing4, outgoing6 }) => `${key.text} ${is} ${outgoing4.join('+')} | ${outgoing6.join('+')}`,
        );
        expect(shown.sort()).toEqual(model.sort());
        for (const { upstream4, upstream6 } of rows)
          expect([upstream4, upstream6]).toEqual(choice === 'v4' ? ['joined', 'not-joined'] : ['not-joined', 'joined']);
        // Entries that nobody wants go after their hold time, and nothing is joined for them meanwhile.
        for (const each of entries.filter((e) => !rows.includes(e)))
          expect([each.upstream4, each.upstream6]).toEqual(['not-joined', 'not-joined']);
        port.runUntil(tNs + 500e9);
        expect(port.state().entries).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});
