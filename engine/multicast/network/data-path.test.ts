import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { unwrap } from '../../base/index.ts';
import { multicastPortSchema, multicastScenarioSchema } from '../../contract/index.ts';
import { StreamPlace } from '../forward/index.ts';
import { dataPacket, groupPacket, RECORD } from '../messages/index.ts';
import { MAX_WAYS, WayCache } from './way-cache.ts';
import { MulticastNetwork, networkState, PortRouter } from './index.ts';

const folder = join(import.meta.dirname, '../../../resources/multicast');
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

/** Runs a bundled network; with `short` false every packet asks PIM anew. */
function run(name: string, short: boolean): { readonly network: MulticastNetwork; readonly shortened: number } {
  const scenario = multicastScenarioSchema.parse(parse(readFileSync(join(folder, name), 'utf8')));
  const network = unwrap(MulticastNetwork.create(scenario));
  let shortened = 0;
  for (const { dataPath } of network.routers) {
    const known = dataPath.known.bind(dataPath);
    vi.spyOn(dataPath, 'known').mockImplementation((...given) => {
      const done = short && known(...given);
      if (done) shortened++;
      return done;
    });
  }
  network.runUntil(Math.min(8, scenario.durationS) * 1e9);
  return { network, shortened };
}

describe('the short way of a packet', () => {
  it.each(names)('leads where the long one leads in %s', (name) => {
    const short = run(name, true);
    const long = run(name, false);
    expect(short.shortened).toBeGreaterThan(100);
    expect(networkState(short.network, 1)).toEqual(networkState(long.network, 1));
    expect(short.network.recorder.log).toEqual(long.network.recorder.log);
  });
});

describe('the ways of a router', () => {
  const packet = (n: number): Uint8Array => {
    const destination = `232.1.${n >> 8}.${n & 255}`;
    return dataPacket(4, { source: '192.0.2.33', destination, payload: new Uint8Array(4), ttl: 9, sourcePort: 1, destinationPort: 2 });
  };
  const way = { keeps: undefined, registers: undefined, entry: undefined, taken: true, place: new StreamPlace() };

  it('are forgotten when anything changes, and have room for so many', () => {
    const cache = new WayCache(4);
    expect(cache.find(0, packet(1))).toBeUndefined();
    cache.put(0, packet(1), way, cache.now);
    expect(cache.find(0, packet(1))).toBe(way);
    expect(cache.find(1, packet(1))).toBeUndefined();
    cache.put(0, packet(2), way, cache.now - 1);
    expect(cache.find(0, packet(2))).toBeUndefined();
    cache.forget();
    expect(cache.find(0, packet(1))).toBeUndefined();
    for (let round = 0; round < 2; round++) for (let n = 0; n < 2 * MAX_WAYS; n++) cache.put(0, packet(n), way, cache.now);
    const kept = Array.from({ length: 2 * MAX_WAYS }, (_, n) => cache.find(0, packet(n))).filter((each) => each !== undefined).length;
    expect(kept).toBeGreaterThan(MAX_WAYS / 2);
    expect(kept).toBeLessThanOrEqual(MAX_WAYS);
  });

  it('leave copies whole that nobody has taken yet', () => {
    const spec = multicastPortSchema.parse({
      kind: 'dual',
      interfaces: [
        { id: 'up', capture: 0 },
        { id: 'hosts', capture: 1 },
      ],
      routes: [{ to: '192.0.2.0/24', interface: 'up', via: '198.51.100.1' }],
    });
    const port = unwrap(PortRouter.create('m', spec));
    const records = [{ type: RECORD.isInclude, group: '232.1.0.7', sources: ['192.0.2.33'] }];
    port.take(1, groupPacket({ kind: 'report', version: 3, records }, 4, '203.0.113.9', '224.0.0.22'), 0);
    for (let i = 0; i < 3_000; i++) {
      const sent = packet(7);
      sent[28] = i & 255;
      port.take(0, sent, 1_000);
    }
    expect(port.out.count).toBe(3_000);
    for (let i = 0; i < 3_000; i++) expect(port.out.packet(i)[28]).toBe(i & 255);
    expect(port.state().conservation.ok).toBe(true);
  });
});
