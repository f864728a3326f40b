import { describe, expect, it } from 'vitest';
import type { ExplainCard, OffloadOverrides, OffloadReport, Scenario, ScenarioInput } from '../../contract/index.ts';
import { RecordBatch, openCaptureSync } from '../../files/index.ts';
import { capture, capturesMissing, haveCaptures } from '../../testing/captures.ts';
import { GeneratorSource } from '../generate/index.ts';
import { generatorSchema } from '../generate/index.ts';
import { explainPacket } from '../explain.ts';
import { scenarioOf } from '../testing/traffic.ts';
import type { RecordAccess } from '../types.ts';
import { OffloadRun, measureCosts, openSuperPacket, type OffloadOutput } from './index.ts';

/** Downloads in bursts, ordinary talk and fragments: every kind of packet that offloads meet. */
function source(seed = 3): GeneratorSource {
  return new GeneratorSource(
    generatorSchema.parse({
      name: 'offload',
      seed,
      durationS: 0.15,
      streams: [
        {
          kind: 'burst',
          flows: 6,
          packetsMin: 40,
          packetsMax: 90,
          periodMs: 20,
          lineBps: 1e9,
          bytes: 1_500,
          acks: true,
          tcpShare: 0.8,
          v6Share: 0.3,
        },
        { kind: 'tcp', everyMs: 20, application: 'tls', rttMs: 5, responseBytesMin: 20_000, responseBytesMax: 60_000 },
        { kind: 'fragments', everyMs: 30 },
        { kind: 'arp', everyMs: 50 },
      ],
    }),
  );
}

/** Downloads alone: nothing among them that a port wants at once, so batches wait. */
function downloads(): GeneratorSource {
  const burst = {
    kind: 'burst',
    flows: 6,
    packetsMin: 40,
    packetsMax: 90,
    periodMs: 8,
    lineBps: 1e9,
    bytes: 1_500,
    acks: false,
    tcpShare: 1,
  };
  return new GeneratorSource(generatorSchema.parse({ name: 'downloads', seed: 3, durationS: 0.15, streams: [burst] }));
}

interface Outcome {
  readonly report: OffloadReport;
  readonly outputs: OffloadOutput[];
  readonly run: OffloadRun;
}

function run(scenario: Omit<ScenarioInput, 'name'> = {}, overrides: OffloadOverrides = {}, batchSize = 4_096, input = source()): Outcome {
  const outputs: OffloadOutput[] = [];
  const offload = new OffloadRun(scenarioOf(scenario), { overrides, onOutput: (packet) => outputs.push(packet) });
  const batch = new RecordBatch(batchSize);
  while (input.nextBatch(batch)) offload.feed(batch);
  return { report: offload.finish(), outputs, run: offload };
}

/** The largest aggregate of packets that one batch of the source has room for. */
function early({ superPackets }: OffloadReport): OffloadReport['superPackets']['rows'][number] {
  return superPackets.rows.find(({ last }) => last <= 400)!;
}

const numbersOf = (outputs: readonly OffloadOutput[]): number[] => outputs.flatMap((o) => [...o.numbers]).sort((a, b) => a - b);

describe('an input through the offloads', () => {
  const plain = run();

  it('merges, reassembles, loses nothing and says why for each packet', () => {
    const { rx, reasons, fragments, conserved, checksums } = plain.report;
    expect(conserved).toBe(true);
    expect(rx.merged).toBeGreaterThan(50);
    expect(rx.packetsOut).toBeLessThan(rx.packetsIn);
    expect(checksums.bad).toBe(0);
    expect(reasons.find((r) => r.name === 'not-tcp')!.count).toBeGreaterThan(0);
    expect(fragments.datagrams).toBeGreaterThan(0);
    expect(fragments.reasons.reduce((n, r) => n + r.count, 0)).toBe(fragments.taken);
    expect(new Set(numbersOf(plain.outputs)).size).toBe(plain.run.packets);
    const times = plain.outputs.map((o) => o.tNs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('releases every batch with its poll where none may wait', () => {
    expect(plain.report.releases.map(({ cause }) => cause)).toEqual(['poll-end']);
  });

  it('gives the same result again, however the input is cut into batches', () => {
    expect(run().report).toEqual(plain.report);
  });

  it.each(['stack', 'copy', 'hardware'] as const)('gives the same bytes whoever sums: %s', (mode) => {
    const { report } = run({}, { mode });
    expect(report.ports.map((p) => p.rx)).toEqual([mode]);
    expect(report.outCrc32).toBe(plain.report.outCrc32);
    expect(report.reasons).toEqual(plain.report.reasons);
  });

  it('restores every byte in exact mode', () => {
    const { report } = run({}, { exact: true });
    expect(report.roundTrip.segments).toBeGreaterThan(50);
    expect(report.roundTrip.identical).toBe(report.roundTrip.segments);
  });

  it('merges less the lower the limit, and nothing at 0, where all packets come out as they were (V-15)', () => {
    const merged = [16, 4, 2, 0].map((aggregateKiB) => run({ device: { offloads: { reassembly: false } } }, { aggregateKiB }));
    const counts = merged.map((o) => o.report.rx.merged);
    expect(counts).toEqual([...counts].sort((a, b) => b - a));
    const off = merged.at(-1)!;
    expect(off.report.rx.merged).toBe(0);
    const batch = new RecordBatch();
    const wire = new Map<number, string>();
    const input = source();
    for (let n = 1; input.nextBatch(batch);) {
      for (let i = 0; i < batch.count; i++, n++) {
        wire.set(n, Buffer.from(batch.bytes.subarray(batch.offset[i], batch.offset[i]! + batch.capLen[i]!)).toString('hex'));
      }
    }
    expect(off.outputs.length).toBe(wire.size);
    for (const o of off.outputs) expect(Buffer.from(o.bytes).toString('hex')).toBe(wire.get(o.numbers[0]!));
  });

  it('holds batches over polls where it may, which merges more and waits longer (V-14)', () => {
    const waiting = run({ ports: [{ id: 'host', kind: 'host', offloads: { releaseTimeoutUs: 3_000, releasePackets: 256 } }] });
    expect(waiting.report.conserved).toBe(true);
    expect(waiting.report.rx.merged).toBeGreaterThan(plain.report.rx.merged);
    expect(waiting.report.delayNs.p99).toBeGreaterThan(plain.report.delayNs.p99);
    const causes = (report: OffloadReport): string[] => report.releases.map((r) => r.cause).sort();
    expect(causes(waiting.report)).toEqual(['event']);
    const quiet = (releasePackets: number): Outcome =>
      run(
        { device: { queues: 1 }, ports: [{ id: 'host', kind: 'host', offloads: { releaseTimeoutUs: 300, releasePackets } }] },
        {},
        4_096,
        downloads(),
      );
    const [long, short] = [quiet(1_000), quiet(20)];
    expect(causes(long.report)).toEqual(['timeout']);
    // From the device to the end of the longest wait: the poll before it, and what was on its way then.
    expect(long.report.delayNs.max).toBeGreaterThan(300_000);
    expect(long.report.delayNs.max).toBeLessThan(600_000);
    expect(causes(short.report)).toEqual(['complete', 'timeout']);
    expect(short.report.releases.find((r) => r.cause === 'complete')!.batches).toBeGreaterThan(20);
  });

  it('hands packets over as they are on a low-latency port (V-12)', () => {
    const { report } = run({ ports: [{ id: 'host', kind: 'host', offloads: { lowLatency: true } }] });
    expect(report.rx.handedOver).toBe(report.rx.packetsOut);
    expect(report.reasons.find((r) => r.name === 'low-latency')!.count).toBe(report.rx.packetsOut);
    expect(report.conserved).toBe(true);
  });

  it('catches every bit that is turned between the sum and the reader (V-13)', () => {
    const { report } = run({}, { corruptEvery: 5 });
    expect(report.corruption.injected).toBeGreaterThan(10);
    expect(report.corruption.missed).toBe(0);
    expect(report.outCrc32).toBe(plain.report.outCrc32);
  });

  it('joins what this machine sends, cuts it again, and the wire gets the same packets', () => {
    const local = ['198.18.0.0/15', '2001:db8::/32'];
    const { report, outputs } = run({ device: { offloads: { reassembly: false } } }, { local });
    const { tx } = report;
    expect(tx.packetsIn).toBeGreaterThan(100);
    expect(tx.packetsOut).toBe(tx.packetsIn);
    expect(tx.superPackets).toBeGreaterThan(5);
    expect(tx.wakeupsCut).toBeLessThan(tx.wakeups);
    expect(tx.bytesOut).toBe(tx.bytesIn);
    expect(outputs.filter((o) => o.direction === 'tx')).toHaveLength(tx.packetsOut);
    expect(report.conserved).toBe(true);
  });

  it('lists aggregates by bytes, the largest first', () => {
    const { rows } = plain.report.superPackets;
    const bytes = rows.map((row) => row.bytes);
    expect(bytes).toEqual(bytes.toSorted((a, b) => b - a));
    expect(bytes[0]).toBe(plain.report.rx.largestBytes);
  });

  it('opens an aggregate into its segments, with what was rewritten', () => {
    const row = early(plain.report);
    const known = plain.run.totals.superPackets[row.index]!;
    const all = new RecordBatch(20_000);
    source().nextBatch(all);
    const read = (number: number, to: RecordBatch): boolean => {
      if (number > all.count) return false;
      const i = number - 1;
      to.bytes = all.bytes;
      to.count = 1;
      to.offset[0] = all.offset[i]!;
      to.capLen[0] = all.capLen[i]!;
      to.origLen[0] = all.origLen[i]!;
      to.linkType[0] = all.linkType[i]!;
      return true;
    };
    const opened = openSuperPacket(row, known.numbers, plain.run.plan.ports[0]!.aggregate, read);
    expect(opened?.segments.map((s) => s.number)).toEqual(known.numbers);
    expect(opened?.segments[1]?.rewritten.map((f) => f.field)).toEqual(expect.arrayContaining(['tcp.seq', 'tcp.checksum']));
    expect(opened!.header.length + opened!.payloadBytes).toBe(row.bytes);
  });

  it('tells of one packet into which aggregate it went, or why into none; nothing where the scenario says nothing', () => {
    const access = accessToAll();
    const scenario = scenarioOf({ ports: [{ id: 'host', kind: 'host', offloads: {} }] });
    const { numbers } = plain.run.totals.superPackets[early(plain.report).index]!;
    const card = (number: number, of = scenario): ExplainCard | undefined =>
      explainPacket(access, of, number)?.cards.find(({ title }) => title === 'Offloads');
    const line = (number: number, label: string): string | undefined => card(number)?.lines.find((l) => l.label === label)?.value;
    expect(line(numbers[1]!, 'Merged into')).toContain(`packet ${String(numbers[0])}`);
    expect(line(numbers[0]!, 'Not merged')).toMatch(/^(first|batch-end|follows-other)$/);
    expect(line(numbers[0]!, 'Begins an aggregate')).toContain(`${String(numbers.length)} packets`);
    expect(line(numbers[1]!, 'Checksum')).toBe('good');
    expect(card(numbers[1]!, scenarioOf({}))).toBeUndefined();
  });

  it('tells the aggregates of the run also where batches wait for more, and where a packet wakes the machine', () => {
    const access = accessToAll(downloads());
    const scenario = scenarioOf({
      device: { queues: 1, offloads: { wakeAfterMs: 3 } },
      ports: [{ id: 'host', kind: 'host', offloads: { releaseTimeoutUs: 1_000, releasePackets: 100 } }],
    });
    const offload = new OffloadRun(scenario);
    offload.feed(firstOf(access, 700));
    const report = offload.finish();
    expect(report.releases.map(({ cause }) => cause)).toContain('timeout');
    const aggregateOf = new Map(offload.totals.superPackets.flatMap(({ numbers }) => numbers.map((n) => [n, numbers] as const)));
    const reasons = new Set<string>();
    for (let number = 3; number <= 500; number += 11) {
      const lines = explainPacket(access, scenario, number)?.cards.find(({ title }) => title === 'Offloads')?.lines ?? [];
      const value = (label: string): string | undefined => lines.find((l) => l.label === label)?.value;
      const aggregate = aggregateOf.get(number);
      const size = aggregate && `${String(aggregate.length)} packets`;
      if (aggregate === undefined || aggregate[0] === number) expect([number, value('Merged into')]).toEqual([number, undefined]);
      else
        expect([number, value('Merged into')]).toEqual([
          number,
          expect.stringContaining(`packet ${String(aggregate[0])}: ${String(size)}`),
        ]);
      if (aggregate?.[0] === number) expect(value('Begins an aggregate')).toContain(size);
      expect(value('Batch')).toBeUndefined();
      reasons.add(value('Not merged') ?? 'merged');
    }
    expect([...reasons]).toEqual(expect.arrayContaining(['merged']));
    const wakes = report.reasons.find(({ name }) => name === 'wake')!.count;
    expect(wakes).toBeGreaterThan(0);
  });

  it('tells of a packet that was sent of which packet of its stack it was cut, and who filled what', () => {
    const access = accessToAll();
    const scenario = (more: object, device: object = {}): Scenario =>
      scenarioOf({
        device: { queues: 1, local: ['192.0.2.0/24', '198.51.100.0/24', '2001:db8::/32'], offloads: { gsoJoinUs: 2_000, ...device } },
        ports: [{ id: 'host', kind: 'host', offloads: {}, ...more }],
      });
    const card = (number: number, of: Scenario): Map<string, string> =>
      new Map(
        explainPacket(access, of, number)
          ?.cards.find(({ title }) => title === 'Offloads')
          ?.lines.map((l) => [l.label, l.value]),
      );
    const numbers = Array.from({ length: 40 }, (_, i) => i + 1);
    const told = numbers.map((number) => [number, card(number, scenario({}))] as const);
    const segments = told.filter(([, lines]) => lines.has('Segment'));
    expect(segments.length).toBeGreaterThan(8);
    const run = new OffloadRun(scenario({}));
    run.feed(firstOf(access, 40));
    const { tx } = run.finish();
    const places = segments.map(([, lines]) => lines.get('Segment')!);
    // Each super-packet of the run is begun by one packet, and its segments are all told of.
    expect(places.filter((text) => text.startsWith('1 of')).length).toBeGreaterThanOrEqual(tx.superPackets - 1);
    for (const [number, lines] of segments) {
      const [place, of] = lines.get('Segment')!.split(' of ').map(Number) as [number, number];
      expect(lines.get('Cut into')).toContain(`${String(of)} segments`);
      if (of <= 12) expect(lines.get('Members')!.split(', ')[place - 1]).toBe(String(number));
      expect(lines.has('Sequence number rewritten')).toBe(place > 1);
      expect(lines.get('Cut by')).toContain('the switch');
      expect(lines.get('Checksum')).toContain('while the packet was copied');
    }
    expect(card(3, scenario({}, { gsoKiB: 0 })).get('Handed over')).toBe('by itself, not cut');
    expect(card(3, scenario({}, { gsoKiB: 0 })).get('Not joined')).not.toBe('');
    const [number] = segments[0]!;
    expect(card(number, scenario({ offloads: { capabilities: [] } })).get('Cut by')).toContain('the stack');
  });

  it('measures the modes without changing anything', () => {
    const batch = new RecordBatch(512);
    source().nextBatch(batch);
    const costs = measureCosts(batch, scenarioOf({}), {}, { nowMs: () => performance.now(), cpuHz: 2e9 }, 1);
    expect(costs.rows.map((r) => r.id)).toEqual(['stack', 'copy', 'hardware', 'copy-only', 'copy-and-sum', 'two-passes']);
    for (const r of costs.rows) expect(r.nsPerPacket).toBeGreaterThan(0);
  });
});

/** The first records of an input as one batch. */
function firstOf(access: RecordAccess, count: number): RecordBatch {
  const batch = new RecordBatch(count);
  access.read(1, batch);
  return batch;
}

/** All packets of the sample. */
function accessToAll(input = source()): RecordAccess {
  const all = new RecordBatch(20_000);
  input.nextBatch(all);
  return {
    packets: all.count,
    read(first, to) {
      const n = Math.max(0, Math.min(to.capacity, all.count - first + 1));
      to.bytes = all.bytes;
      to.count = n;
      for (const column of ['offset', 'capLen', 'origLen', 'tsNs', 'linkType'] as const)
        to[column].set(all[column].subarray(first - 1, first - 1 + n));
      return n;
    },
  };
}

const CAPTURES = ['teams', 'reddit', 'pinterest', 'zoom', 'vnc'].map((name) => `ndpi/tests/cfgs/default/pcap/${name}.pcap`);

describe('captures from elsewhere', () => {
  if (!haveCaptures) console.warn(capturesMissing);
  const files = haveCaptures ? CAPTURES.map(capture) : [];
  it.skipIf(files.length === 0)('come through conserved, and restored byte for byte in exact mode', () => {
    const broken: string[] = [];
    for (const file of files) {
      const opened = openCaptureSync(file);
      if (!opened.ok) continue;
      const offload = new OffloadRun(scenarioOf({}), { overrides: { exact: true } });
      const batch = new RecordBatch();
      while (opened.value.source.nextBatch(batch)) offload.feed(batch);
      opened.value.close();
      const { conserved, roundTrip } = offload.finish();
      if (!conserved || roundTrip.identical !== roundTrip.segments) broken.push(file);
    }
    expect(broken).toEqual([]);
  });
});
