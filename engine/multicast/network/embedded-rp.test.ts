import { describe, expect, it } from 'vitest';
import { multicastScenarioSchema, type MulticastScenarioInput } from '../../contract/index.ts';
import { unwrap } from '../../base/index.ts';
import { MulticastNetwork } from './index.ts';

/** Groups with the address of a router inside (RFC 3956): `rp` has 2001:db8:ffff::1. */

const GROUP = 'ff7e:140:2001:db8:ffff::1234';

function network(rps: MulticastScenarioInput['rps']): MulticastNetwork {
  const scenario = multicastScenarioSchema.parse({
    name: 'embedded',
    durationS: 5,
    routers: [
      { id: 'rp', kind: 'v6' },
      { id: 'near', kind: 'v6' },
      { id: 'far', kind: 'v6' },
    ],
    links: [
      { id: 'a', ends: ['near', 'rp'], families: 'v6' },
      { id: 'b', ends: ['rp', 'far'], families: 'v6' },
    ],
    rps,
    sources: [{ id: 's', at: 'near', v6: '2001:db8:7::1', group: GROUP, ratePps: 50 }],
    receivers: [{ id: 'h', at: 'far', protocol: 'mldv2', group: GROUP, joinS: 1 }],
  } satisfies MulticastScenarioInput);
  const made = unwrap(MulticastNetwork.create(scenario));
  made.runUntil(4e9);
  return made;
}

describe('a router whose address a group has inside (RFC 3956 section 10)', () => {
  it.each([
    ['of all groups', [{ router: 'rp', family: 'v6' }]],
    ['of the range', [{ router: 'rp', family: 'v6', groups: 'ff70::/12' }]],
    ['of the range, by bootstrap', [{ router: 'rp', family: 'v6', groups: 'ff70::/12', bootstrap: true }]],
  ] as const)('serves it where it is told to be a rendezvous point %s', (_name, rps) => {
    const made = network([...rps]);
    expect(made.receivers[0]!.figures.received).toBeGreaterThan(100);
    expect(made.routers[0]!.side(6)!.pim.registering.counters.received).toBeGreaterThan(0);
  });

  it.each([
    ['nothing', []],
    ['of another range', [{ router: 'rp', family: 'v6', groups: 'ff0e::/16' }]],
    ['that another is', [{ router: 'far', family: 'v6' }]],
  ] as const)('does not where it is told %s: no join makes state, and registers are stopped', (_name, rps) => {
    const made = network([...rps]);
    const { pim } = made.routers[0]!.side(6)!;
    expect(made.receivers[0]!.figures.received).toBe(0);
    expect(pim.rp(GROUP)).toBe('');
    expect(pim.counters.trees).toBe(0);
    expect(pim.counters.ignored).toBeGreaterThan(0);
    expect(pim.registering.counters).toMatchObject({ received: 1, refused: 1, stops: 1 });
    // The others know it by the group alone.
    expect(made.routers[2]!.side(6)!.pim.rp(GROUP)).toBe('2001:db8:ffff::1');
  });
});
