import { describe, expect, test } from 'vitest';
import { Random } from '../base/index.ts';
import {
  AdvisoryTable,
  Arena,
  ChannelMap,
  DSCP_TABLE,
  Faults,
  MagazineCache,
  Netns,
  Nexus,
  PacketStore,
  SERVICE_CLASSES,
  TRAFFIC_CLASS_ORDER,
  UserPacketPool,
  serviceClassOf,
  trafficPlaceOf,
} from './index.ts';

test('service classes: code points by their RFC, anything else is best effort', () => {
  const by = (dscp: number): string => {
    const service = serviceClassOf((dscp << 2) | 3);
    return `${SERVICE_CLASSES[service]!} ${TRAFFIC_CLASS_ORDER[trafficPlaceOf(service)]!}`;
  };
  expect([46, 44, 1, 8, 34, 40, 48, 0, 63, 18].map(by)).toEqual([
    'VO VO',
    'VO VO',
    'BK_SYS BK',
    'BK BK',
    'VI VI',
    'SIG VI',
    'CTL VO',
    'BE BE',
    'BE BE',
    'RD BE',
  ]);
  expect(new Set(DSCP_TABLE.map((row) => row.dscp)).size).toBe(DSCP_TABLE.length);
  expect(new Set(DSCP_TABLE.map((row) => row.serviceClass)).size).toBe(SERVICE_CLASSES.length);
});

describe('magazine cache', () => {
  const spec = { name: 'm', cpus: 2, rounds: 8, slabObjects: 16, objects: 200 };

  test('100,000 random steps: an object is in one place, segments come and go, a stale object is refused', () => {
    const random = new Random(3);
    let cache = new MagazineCache(spec);
    const out = new Set<number>();
    for (let step = 0; step < 100_000; step++) {
      const action = random.u32() % 100;
      if (action < 50) {
        const object = cache.alloc(random.u32() & 1);
        if (object < 0) expect(cache.inUse + cache.stats().loaded + cache.stats().previous).toBeGreaterThan(100);
        else {
          if (out.has(object) || object >= 200) expect.unreachable('an object is handed out once');
          out.add(object);
        }
      } else if (action < 97) {
        const object = [...out][random.u32() % Math.max(1, Math.min(4, out.size))];
        if (object !== undefined) {
          if (!cache.free(random.u32() & 1, object)) expect.unreachable('what is out can come back');
          out.delete(object);
          if (cache.free(0, object)) expect.unreachable('a stale object is refused');
        }
      } else if (action === 97 && step % 10 === 0) cache.prune();
      else if (action === 98 && step % 10 === 0) cache.purge();
      if (cache.inUse !== out.size) expect(cache.inUse).toBe(out.size);
      if (step % 20_000 === 0) {
        expect(cache.conserved()).toBe(true);
        const words = cache.save();
        const copy = new MagazineCache(spec);
        let at = 0;
        copy.restore(() => words[at++]!);
        expect([at, copy.save()]).toEqual([words.length, words]);
        cache = copy;
      }
    }
    for (const object of out) cache.free(1, object);
    cache.purge();
    expect(cache.stats()).toMatchObject({ inUse: 0, slabsActive: 0, loaded: 0, previous: 0 });
    expect(cache.stats().exchanges).toBeGreaterThan(0);
    expect(cache.failures).toBeGreaterThan(0);
  });

  test('the loaded magazine serves first, then the one before, then the depot, then a slab', () => {
    const cache = new MagazineCache(spec);
    const taken = Array.from({ length: 24 }, () => cache.alloc(0));
    expect(cache.stats()).toMatchObject({ slabTakes: 24, hits: 0, slabsActive: 2 });
    for (const object of taken) cache.free(0, object);
    expect(cache.stats()).toMatchObject({ loaded: 8, previous: 8, depotFull: 1, exchanges: 1 });
    for (let i = 0; i < 24; i++) cache.alloc(0);
    expect(cache.stats()).toMatchObject({ slabTakes: 24, hits: 22, exchanges: 2, depotFull: 0 });
  });
});

describe('defunct', () => {
  const setUp = (): { arena: Arena; nexus: Nexus; map: ChannelMap } => {
    const arena = Arena.create(1 << 20);
    const nexus = new Nexus();
    nexus.addPort('ch3', 'user');
    const rings = [{ kind: 'rx', queue: 0, slots: 64 }] as const;
    const channel = nexus.open(2, { pid: 1, executable: '/bin/a' }, rings, arena);
    if (!channel.ok) throw new Error(channel.error);
    const map = ChannelMap.create(arena, 'ch3', channel.value, { rings: 1, packets: 64, metadataBytes: 32 });
    if (map === undefined) throw new Error('no room');
    return { arena, nexus, map };
  };

  test('the application reads zeros, the advisory survives, every segment comes back, a new channel takes the place', () => {
    const { arena, nexus, map } = setUp();
    expect(map.read('schema', 0)).toBe(0x534b5957);
    map.write('ring', 1, 7);
    map.write('nexus-advisory', 0, 5);
    expect(map.read('ring', 1)).toBe(7);
    const before = arena.stats();
    const expected = map.regions.filter((r) => !r.noRedirect).reduce((n, r) => n + r.segments, 0);
    nexus.port(2)!.channel!.close();
    expect(map.redirect()).toBe(expected);
    expect(['schema', 'ring', 'metadata', 'statistics'].map((kind) => map.read(kind as 'ring', 0))).toEqual([0, 0, 0, 0]);
    expect(map.read('nexus-advisory', 0)).toBe(5);
    map.write('ring', 1, 9);
    expect(map.read('ring', 1)).toBe(0);
    expect(arena.stats().segments).toBe(before.segments - expected);
    map.unmap();
    expect(arena.stats()).toMatchObject({ usedBytes: 0, segments: 0, regions: 0 });
    const again = nexus.open(2, { pid: 2, executable: '/bin/b' }, [{ kind: 'rx', queue: 0, slots: 64 }], arena);
    expect(again.ok).toBe(true);
    expect(map.read('schema', 0)).toBe(0);
  });

  test('what does not fit leaves nothing behind', () => {
    const { arena, nexus } = setUp();
    const channel = nexus.port(2)!.channel!;
    while (arena.region('input', 'x', 4_096) !== undefined);
    const { segments } = arena.stats();
    expect(
      ChannelMap.create(arena, 'big', { ...channel, region: undefined } as never, { rings: 1, packets: 4_096, metadataBytes: 32 }),
    ).toBe(undefined);
    expect(arena.stats().segments).toBe(segments);
  });

  test('random regions come and go without touching each other', () => {
    const arena = Arena.create(1 << 18);
    const random = new Random(9);
    const live: NonNullable<ReturnType<Arena['region']>>[] = [];
    for (let step = 0; step < 5_000; step++) {
      if (random.float() < 0.55) {
        const region = arena.region('slots', 'x', random.int(1, 9_000));
        if (region === undefined) continue;
        const bytes = new Uint8Array(arena.buffer, region.offset, region.lenBytes);
        if (bytes.some((b) => b !== 0)) expect.unreachable('a region starts as zeros');
        bytes.fill(1);
        for (const other of live) {
          const apart = other.offset + other.lenBytes <= region.offset || region.offset + region.lenBytes <= other.offset;
          if (!apart) expect.unreachable('regions do not overlap');
        }
        live.push(region);
      } else if (live.length > 0) {
        const region = live.splice(random.int(0, live.length - 1), 1)[0]!;
        if (!arena.release(region) || arena.release(region)) expect.unreachable('a region is released once');
      }
    }
    for (const region of live) arena.release(region);
    expect(arena.region('slots', 'all', (1 << 18) - 16_384)).toBeDefined();
  });

  test('an index from before is refused, also when somebody else holds the packet now', () => {
    const store = new PacketStore(Arena.create(65_536), 's', 8);
    const pool = new UserPacketPool(8);
    const index = store.alloc(1);
    pool.hand(index, 1);
    expect(pool.accept(index, 2)).toBe(false);
    expect(pool.revoke(1)).toBe(1);
    store.release(index);
    expect(pool.accept(index, 1)).toBe(false);
    expect(store.alloc(1)).toBe(index);
    pool.hand(index, 3);
    expect(pool.accept(index, 1)).toBe(false);
    expect([pool.accept(99, 3), pool.accept(index, 0), pool.out]).toEqual([false, false, 1]);
    expect(pool.accept(index, 3)).toBe(true);
    expect([pool.out, pool.refused]).toEqual([0, 5]);
  });
});

test('the advisory table: the application sees it in one load and cannot write it', () => {
  const table = new AdvisoryTable(new Int32Array(3 * 4));
  const [a, b, c] = [table.claim(10), table.claim(20), table.claim(30)];
  expect([a, b, c, table.claim(20), table.claim(40), table.full]).toEqual([0, 1, 2, 1, -1, 1]);
  expect(table.view.admitted(b)).toBe(true);
  expect([table.suspend(b), table.suspend(b), table.view.admitted(b), table.view.admitted(a)]).toEqual([true, false, false, true]);
  table.count(b, true);
  table.count(b, false);
  expect(table.view.entry(b)).toEqual({ index: 1, flow: 20, suspended: true, ceCount: 1, packetCount: 2 });
  expect(Object.getOwnPropertyNames(Object.getPrototypeOf(table.view)).sort()).toEqual(['admitted', 'constructor', 'entry']);
  expect(Object.keys(table.view)).toEqual([]);
  const words = table.save();
  let at = 0;
  const copy = new AdvisoryTable(new Int32Array(3 * 4));
  copy.restore(() => words[at++]!);
  expect([copy.list(), at]).toEqual([table.list(), words.length]);
  expect([table.resume(b), table.resume(b), table.view.admitted(b)]).toEqual([true, false, true]);
  expect([table.free(10), table.free(10), table.claim(40)]).toEqual([true, false, 0]);
  expect(table.view.entry(0)?.flow).toBe(40);
});

test('faults strike with their probability, at their port, the same for one seed, and each has its own numbers', () => {
  const specs = [
    { id: 'a', site: 'port-ring-full', probability: 0.25, port: 'ch3', enabled: true },
    { id: 'b', site: 'port-ring-full', probability: 0.5, enabled: false },
  ] as const;
  const run = (seed: number, other: boolean): string => {
    const faults = new Faults(specs, seed, ['host', 'ch3']);
    faults.set('b', other);
    return Array.from({ length: 2_000 }, (_, i) => {
      faults.strikes('port-ring-full', i & 1);
      return faults.states()[0]!.injected;
    }).join();
  };
  expect(run(1, false)).toBe(run(1, true));
  expect(run(1, false)).not.toBe(run(2, false));
  const faults = new Faults(specs, 1, ['host', 'ch3']);
  for (let i = 0; i < 8_000; i++) faults.strikes('port-ring-full', i & 1);
  const [a, b] = faults.states();
  expect(a).toMatchObject({ asked: 4_000, enabled: true });
  expect(Math.abs(a!.injected - 1_000)).toBeLessThan(100);
  expect(b).toMatchObject({ asked: 0, injected: 0, enabled: false });
  expect(faults.set('none', true)).toBe(false);
  expect(faults.strikes('bad-head', 0)).toBe(false);
});

test('reservations: families, wildcards, and a listener beside its own connections', () => {
  const netns = new Netns();
  const web = { protocol: 'tcp', localPort: 443, owner: 'a' } as const;
  expect(netns.reserve({ ...web, family: 4 }).ok).toBe(true);
  expect(netns.reserve({ ...web, family: 6, owner: 'b' }).ok).toBe(true);
  expect(netns.reserve({ ...web, owner: 'c' })).toMatchObject({ ok: false, error: { message: 'tcp port 443 is owned by a' } });
  expect(netns.reserve({ ...web, family: 4, address: '1.2.3.4', owner: 'b' }).ok).toBe(false);
  expect(netns.reserve({ ...web, family: 4, address: '1.2.3.4', use: 'connected' }).ok).toBe(true);
  expect(netns.reserve({ ...web, family: 4 }).ok).toBe(false);
  expect(netns.list().map((r) => `${r.owner}/${String(r.family)}`)).toEqual(['a/4', 'b/6', 'a/4']);
});
