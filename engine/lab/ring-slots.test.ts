import { expect, test } from 'vitest';
import { ringSlots } from './ring-slots.ts';
import { Pipeline } from './pipeline.ts';
import { feedTraffic, makeTraffic, randomScenario } from './testing/traffic.ts';

test('at any instant the slots of all rings hold each packet inside once, with buflets that hold its bytes and agree with the pools', () => {
  for (const seed of [1, 2, 5]) {
    const scenario = randomScenario(seed);
    const traffic = makeTraffic({ packets: 900, flows: 40, seed });
    const pipeline = new Pipeline(scenario);
    let seen = 0;
    for (let at = 0; at < 900; at += 90) {
      feedTraffic(pipeline, traffic, 30, at, at + 90);
      const tNs = pipeline.frame().tNs;
      const packets: number[] = [];
      for (const world of pipeline.worlds) {
        for (const ring of world.rings()) {
          const all = ringSlots(pipeline, tNs, ring.id, 0, 500)!;
          expect([all.used, all.rows.length, all.head, all.tail]).toEqual([ring.used, ring.used, ring.headSlot, ring.tailSlot]);
          expect(ringSlots(pipeline, tNs, ring.id, 1, 2)!.rows).toEqual(all.rows.slice(1, 3));
          for (const row of all.rows) {
            packets.push(row.packet);
            expect(row.lenBytes).toBe(traffic.lengths[row.packet - 1]);
            expect(row.buflets.reduce((n, { lenBytes }) => n + lenBytes, 0)).toBe(row.lenBytes);
            expect(row.buflets.every(({ lenBytes, limitBytes }) => lenBytes <= limitBytes)).toBe(true);
            expect(row.arrivalNs + row.ageNs).toBe(tNs);
            if (row.flow >= 0) expect(row.tuple).not.toBe('');
          }
          const taken = all.rows.filter(({ state }) => state === 'taken').length;
          expect(all.rows.slice(0, taken).every(({ state }) => state === 'taken')).toBe(true);
        }
        const buflets = world.rings().slice(0, 2).flatMap((ring) => ringSlots(pipeline, tNs, ring.id, 0, 500)!.rows.flatMap((r) => r.buflets)); // prettier-ignore
        expect(buflets.length).toBe(world.devicePool.used);
      }
      expect(new Set(packets).size).toBe(packets.length);
      expect(packets.length).toBe(pipeline.frame().held);
      seen += packets.length;
    }
    expect(seen).toBeGreaterThan(20);
    expect(ringSlots(pipeline, 0, 'none.rx.0', 0, 1)).toBeUndefined();
  }
});
