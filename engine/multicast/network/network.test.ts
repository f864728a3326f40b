import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { multicastScenarioSchema, type MulticastScenario } from '../../contract/index.ts';
import { unwrap } from '../../base/index.ts';
import { writeRawPcapng } from '../../testing/raw-captures.ts';
import { tsharkFields, tsharkMissing, tsharkVersion } from '../../testing/tshark.ts';
import { DropList } from './drop-list.ts';
import { MulticastNetwork, networkState } from './index.ts';

if (tsharkVersion === undefined) console.warn(tsharkMissing);

const folder = join(import.meta.dirname, '../../../resources/multicast');
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

function scenario(name: string, change: Partial<MulticastScenario> = {}): MulticastScenario {
  return { ...multicastScenarioSchema.parse(parse(readFileSync(join(folder, `${name}.yaml`), 'utf8'))), ...change };
}

function run(name: string, untilS: number, change: Partial<MulticastScenario> = {}, record = false): MulticastNetwork {
  const network = unwrap(MulticastNetwork.create(scenario(name, change), { record }));
  expect(network.runUntil(untilS * 1e9)).toBe(true);
  return network;
}

const rows = (network: MulticastNetwork, kind: string): string[] =>
  network.recorder.log
    .filter((row) => row.kind === kind)
    .map((row) => `${row.router} ${row.link} ${row.direction} (${row.source || '*'}, ${row.group})`);

describe.each(files.map((file) => file.replace('.yaml', '')))('bundled network %s', (name) => {
  it('delivers, loses no copy, and runs the same way twice', () => {
    const endS = Math.min(12, scenario(name).durationS);
    const network = run(name, endS);
    const state = networkState(network, 1);
    expect(state.conservation).toEqual({ ok: true, message: expect.any(String) as string });
    expect(state.totals.delivered).toBeGreaterThan(50);
    expect(network.routers.reduce((sum, router) => sum + router.counters.badMessages + router.counters.unicastDropped, 0)).toBe(0);
    for (const { id } of network.routers) {
      const listed: Record<string, number> = {};
      for (const row of state.drops) if (row.router === id) listed[row.reason] = (listed[row.reason] ?? 0) + row.packets;
      expect(listed).toEqual(state.counters[id]!.drops);
    }
    const again = run(name, endS);
    expect(again.recorder.log).toEqual(network.recorder.log);
    expect(networkState(again, 1)).toEqual(state);
  });
});

describe('drops', () => {
  it('are listed by the family in which they came, and counted alone where the list is full', () => {
    const list = new DropList('r');
    for (let i = 0; i < 1_100; i++) list.note(i % 2 === 0 ? 4 : 6, 'l', 's', `g${i}`, 'no_entry', 100, i);
    list.note(4, 'l', 's', 'g0', 'no_entry', 50, 9_000);
    expect(list.unlisted).toBe(100);
    expect(list.rows()).toHaveLength(1_000);
    expect(list.rows()[0]).toMatchObject({ family: 'v4', packets: 2, bytes: 150, firstNs: 0, lastNs: 9_000, rule: 'RFC 7761 section 4.2' });
    expect(list.rows()[1]).toMatchObject({ router: 'r', family: 'v6', group: 'g1', reason: 'no_entry', packets: 1 });
  });
});

describe('any-source groups', () => {
  const network = run('shared-tree', 28);

  it('register at the rendezvous point, and are stopped while nobody listens', () => {
    const sent = network.recorder.log.filter(({ kind, direction }) => kind === 'register' && direction === 'sent');
    expect(sent).toHaveLength(2);
    expect(rows(network, 'register-stop').filter((row) => row.includes('received'))).toContain('r1 l12 received (192.0.2.33, 233.252.0.1)');
    const asked = network.recorder.log.filter(({ kind }) => kind === 'null-register');
    expect(new Set(asked.map(({ direction }) => direction))).toEqual(new Set(['sent', 'received']));
    const keys = new Set([...sent, ...asked].map(({ source, group }) => `${source}, ${group}`));
    expect(keys).toEqual(new Set(['192.0.2.33, 233.252.0.1', '2001:db8:64::c000:221, ff0e::db8:e9fc:1']));
  });

  it('come over the shared tree, then over the tree of the source, which is pruned from the shared one', () => {
    expect(rows(network, 'join')).toContain('r4 l34 sent (*, 233.252.0.1)');
    expect(rows(network, 'join')).toContain('r2 l12 sent (192.0.2.33, 233.252.0.1)');
    expect(rows(network, 'join')).toContain('r3 l13 sent (192.0.2.33, 233.252.0.1)');
    expect(rows(network, 'prune')).toContain('r3 l23 sent (192.0.2.33, 233.252.0.1)');
    const spt = network.recorder.log.filter(({ kind }) => kind === 'spt').map(({ router }) => router);
    expect(spt).toEqual(['r2', 'r3', 'r4']);
  });

  it('reach receivers of both families once', () => {
    for (const receiver of networkState(network, 1).receivers) {
      expect(receiver).toMatchObject({ duplicates: 0, missing: 0 });
      expect(receiver.received).toBeGreaterThan(190);
    }
  });

  it('learn the rendezvous point of IPv6 by bootstrap messages', () => {
    expect(network.routers.map((router) => router.side(6)!.pim.rp('ff0e::db8:e9fc:1'))).toEqual(Array(4).fill('2001:db8:ffff::2'));
    expect(network.routers[3]!.side(4)!.pim.rp('233.252.0.1')).toBe('10.255.0.2');
  });

  it('stay on the shared tree where the routers are told to', () => {
    const base = scenario('shared-tree');
    const never = run('shared-tree', 12, { routers: base.routers.map((router) => ({ ...router, spt: 'never' })) });
    expect(
      rows(never, 'join')
        .filter((row) => row.startsWith('r4'))
        .every((row) => row.includes('(*,')),
    ).toBe(true);
    for (const receiver of networkState(never, 1).receivers) expect(receiver).toMatchObject({ duplicates: 0, missing: 0 });
  });
});

describe('a link with two routers', () => {
  const network = run('shared-link', 36);

  it('has one forwarder in each family after the assert, which may be different ones', () => {
    const [r2, r3] = [network.routers[1]!, network.routers[2]!];
    const tree4 = (router: typeof r2) => router.side(4)!.pim.find('192.0.2.33', '232.1.2.3');
    expect(tree4(r3)!.asserts![0]!.state).toBe('winner');
    expect(tree4(r2)!.asserts![0]!.state).toBe('loser');
    expect(r2.side(6)!.pim.find('2001:db8:64::c000:221', 'ff3e::e801:203')!.joined).toBe(true);
    const [tv, pc] = networkState(network, 1).receivers;
    expect(tv).toMatchObject({ duplicates: 1, missing: 0 });
    expect(pc).toMatchObject({ duplicates: 0, missing: 0 });
  });

  it('elects the designated router by priority and the querier by address', () => {
    for (const router of network.routers.slice(1)) {
      const iface = router.interfaces.findIndex(({ link }) => link.id === 'lan');
      expect(router.side(4)!.pim.neighbours[iface]!.dr).toBe('10.0.2.1');
      expect(router.side(4)!.ports[iface]!.querier).toBe('10.0.2.1');
      expect(router.side(6)!.ports[iface]!.querier).toBe('fe80::2:3');
    }
  });

  it('waits with a prune for objections, and repeats it when none came', () => {
    const prunes = network.recorder.log.filter(({ kind, link, direction }) => kind === 'prune' && link === 'lan' && direction === 'sent');
    expect(prunes.map(({ router, group }) => `${router} ${group}`)).toContain('r4 232.1.2.3');
    // The router that lost the assert still has the far receiver of IPv6 to serve, alone on the link: the echo goes out.
    const left = network.recorder.log.filter(({ kind, link }) => kind === 'left' && link === 'lan');
    const asked = prunes.find(({ router }) => router === 'r4')!;
    for (const row of left) expect(row.tNs - asked.tNs).toBeGreaterThan(2.9e9);
  });
});

describe('loop guard', () => {
  it('sends the router of the higher id back to IPv4', () => {
    const { entries, receivers } = networkState(run('facing-routers', 10), 1);
    expect(entries.map(({ router, choice }) => [router, choice])).toEqual([
      ['west', 'v6'],
      ['east', 'v4'],
    ]);
    for (const each of receivers) expect(each.received).toBeGreaterThan(150);
  });

  it('is what keeps them apart: without it nobody gets anything', () => {
    const base = scenario('facing-routers');
    const { entries, receivers } = networkState(run('facing-routers', 10, { choice: { ...base.choice, loopGuard: false } }), 1);
    expect(entries.map(({ choice }) => choice)).toEqual(['v6', 'v6']);
    for (const each of receivers) expect(each.received).toBe(0);
  });

  it('works when both join at the same instant', () => {
    const base = scenario('facing-routers');
    const { entries, receivers } = networkState(
      run('facing-routers', 10, { receivers: base.receivers.map((r) => ({ ...r, joinS: 1 })) }),
      1,
    );
    expect(entries.map(({ choice }) => choice)).toEqual(['v6', 'v4']);
    for (const each of receivers) expect(each.received).toBeGreaterThan(150);
  });
});

describe('failures', () => {
  it('a router that comes back starts with a new generation, and its neighbours tell it their joins again', () => {
    const network = run('shorter-path', 16, {
      events: [
        { atS: 6, router: 'r1', up: false },
        { atS: 9, router: 'r1', up: true },
      ],
    });
    const { entries, receivers } = networkState(network, 1);
    expect(network.recorder.decisions.map(({ choice }) => choice)).toEqual(['v4', 'v6', 'v4']);
    expect(entries[0]!.choice).toBe('v4');
    for (const each of receivers) expect(each.received).toBeGreaterThan(570);
  });

  it('a change waits for the hold-down and needs the gain (M-16)', () => {
    const base = scenario('shorter-path');
    const events = [{ atS: 5, router: 'r3', bias4: 3 }];
    const slow = run('shorter-path', 9, { events, choice: { ...base.choice, holdDownS: 5 } });
    expect(networkState(slow, 1).entries[0]!.choice).toBe('v4');
    slow.runUntil(10.1e9);
    expect(networkState(slow, 1).entries[0]!.choice).toBe('v6');
    const little = run('shorter-path', 12, { events, choice: { ...base.choice, switchGain: 2 } });
    expect(networkState(little, 1).entries[0]!.choice).toBe('v4');
    const flap = run('shorter-path', 15, {
      events: [...events, { atS: 8, router: 'r3', bias4: 0 }],
      choice: { ...base.choice, holdDownS: 5 },
    });
    expect(flap.recorder.switches).toEqual([]);
  });

  it('break before make loses what make before break keeps', () => {
    const base = scenario('shorter-path');
    const events = [{ atS: 5, router: 'r3', bias4: 3 }];
    const sources = base.sources.map((source) => ({ ...source, ratePps: 300 }));
    const missing = (makeBeforeBreak: boolean): number[] =>
      networkState(run('shorter-path', 6, { events, sources, choice: { ...base.choice, makeBeforeBreak } }), 1).receivers.map(
        (each) => each.missing,
      );
    expect(missing(true)).toEqual([0, 0, 0]);
    for (const n of missing(false)) expect(n).toBeGreaterThan(0);
  });
});

describe.skipIf(tsharkVersion === undefined)('what goes over the links', () => {
  it.each(files.map((file) => file.replace('.yaml', '')))(
    'of %s is read by tshark with no malformed packet and no bad checksum',
    (name) => {
      const network = run(name, Math.min(12, scenario(name).durationS), {}, true);
      const { interfaces } = network.recorder;
      // tshark puts fragments together by their addresses: it may see each of them on one link only.
      const packets = network.recorder.packets.filter(({ iface }) => name !== 'encapsulation' || interfaces[iface] === 'edge ce');
      expect(packets.length).toBeGreaterThan(250);
      const file = writeRawPcapng(packets.slice(0, 6_000).map(({ frame }) => ({ linkType: 1, origLenBytes: frame.length, bytes: frame })));
      const names = ['ip.checksum.status', 'udp.checksum.status', 'igmp.checksum.status', 'icmpv6.checksum.status', 'pim.cksum.status'];
      const read = tsharkFields(file, {
        fields: ['frame.number', '_ws.malformed', '_ws.short', ...names, '_ws.expert.message'],
        protocols: ['frame', 'eth', 'ethertype', 'ip', 'ipv6', 'ipv6.hopopts', 'ipv6.fraghdr', 'udp', 'igmp', 'icmpv6', 'pim', 'data'],
        preferences: ['ipv6.defragment:TRUE'],
      });
      expect(read.length).toBe(Math.min(6_000, packets.length));
      const findings = read.flatMap(([number, malformed, short, ...rest]) => {
        const experts = rest.pop()!;
        const bad = rest.flat().filter((status) => status === '0' || status === 'Bad');
        return (malformed?.length ?? 0) + (short?.length ?? 0) + bad.length > 0
          ? [`${number?.join('')}: ${[...(malformed ?? []), ...bad, ...experts].join(' ')}`]
          : [];
      });
      expect(findings).toEqual([]);
    },
  );
});
