import { linkSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError, type OffloadOverrides } from '../contract/index.ts';
import { PcapngWriter, RecordBatch, atomicFile } from '../files/index.ts';
import { GeneratorSource, generatorSchema } from '../lab/index.ts';
import { scenarioOf } from '../lab/testing/traffic.ts';
import { offloadFile, type OffloadFileRequest, type OffloadFileResult } from './offload-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringside-offload-'));
const capture = join(folder, 'downloads.pcapng');
const output = join(folder, 'out.pcapng');
const LOCAL = ['198.18.0.0/15', '2001:db8::/32'];
let packets = 0;

/** Downloads in bursts: 3,000 packets or so, so that a run has several slices. */
beforeAll(() => {
  const stream = {
    kind: 'burst',
    flows: 4,
    packetsMin: 60,
    packetsMax: 90,
    periodMs: 5,
    lineBps: 1e9,
    bytes: 1_500,
    acks: false,
    tcpShare: 1,
  };
  const source = new GeneratorSource(generatorSchema.parse({ name: 'downloads', seed: 5, durationS: 0.2, streams: [stream] }));
  const sink = atomicFile(capture, { sync: false });
  if (!sink.ok) throw sink.error;
  const writer = new PcapngWriter(sink.value, 0n, [{ linkType: 1 }], { section: { application: 'test' } });
  const batch = new RecordBatch();
  while (source.nextBatch(batch)) {
    packets += batch.count;
    for (let i = 0; i < batch.count; i++)
      writer.packet(batch.tsNs[i]!, batch.bytes, batch.offset[i]!, batch.capLen[i]!, batch.origLen[i]!, 0);
  }
  writer.finish();
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function run(request: Partial<OffloadFileRequest> = {}, overrides: OffloadOverrides = {}): Promise<OffloadFileResult> {
  const { signal } = new AbortController();
  return offloadFile({
    path: capture,
    scenario: scenarioOf({ device: { queues: 1 } }),
    overrides,
    costs: false,
    signal,
    onProgress: () => undefined,
    ...request,
  });
}
const told = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof EngineError ? `${error.code}: ${error.message}` : String(error)),
  );

describe('a file through the offloads', () => {
  test('what is no prefix is refused, and nothing is written', async () => {
    expect(await told(run({ output }, { local: ['192.0.2.0/24', 'bogus'] }))).toMatch(/^bad-input: Prefixes of this machine: .*bogus/);
    expect(await told(run({}, { local: ['192.0.2.300/24'] }))).toMatch(/^bad-input/);
    expect(readdirSync(folder)).toEqual(['downloads.pcapng']);
  });

  test('the input is never its own output, by whatever name', async () => {
    const before = readFileSync(capture);
    const link = join(folder, 'link.pcapng');
    linkSync(capture, link);
    for (const path of [capture, join(folder, '.', 'downloads.pcapng'), link])
      expect(await told(run({ output: path }))).toBe('bad-input: The output is the input.');
    expect(Buffer.compare(readFileSync(capture), before)).toBe(0);
    rmSync(link);
  });

  test('a run that is stopped in the middle says so and leaves no file behind', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ unit, done }: { unit: string; done: number }): void => {
      if (unit !== 'packets') return;
      seen.push(done);
      if (seen.length === 2) controller.abort();
    };
    expect(await told(run({ output, signal: controller.signal, onProgress }))).toBe('cancelled: The run was cancelled.');
    expect(seen.at(-1)).toBeLessThan(packets);
    expect(readdirSync(folder)).toEqual(['downloads.pcapng']);
  });

  test('an aggregate is opened by one of its packets; where there is none the report stands and it is said why', async () => {
    const { report } = await run();
    const { opened, notOpened } = await run({ open: report.superPackets.rows[0]!.last });
    expect([opened!.row.direction, opened!.segments.every((s) => s.onWire), notOpened]).toEqual(['rx', true, undefined]);
    expect(report.superPackets.total).toBe(report.rx.aggregates);
    const none = await run({ open: 10 }, { aggregateKiB: 0 });
    expect([none.report.conserved, none.opened, none.notOpened?.code]).toEqual([true, undefined, 'not-found']);
    expect(await told(run({ open: packets + 1 }))).toBe(
      `not-found: There is no packet ${String(packets + 1)}; the file has ${String(packets)}.`,
    );
  });

  test('a packet of this machine is opened into the segments it was cut into, each beside its packet on the wire', async () => {
    const { report, opened } = await run({ open: 10, output }, { local: LOCAL });
    expect(report.superPackets.total).toBe(report.rx.aggregates + report.tx.superPackets);
    const { row, segments, header, payloadBytes } = opened!;
    expect(row.direction).toBe('tx');
    expect(segments.length).toBe(row.members);
    expect(segments.map((s) => s.number)).toContain(10);
    expect(segments.every((s) => s.onWire && s.differs.length === 0)).toBe(true);
    expect(segments.reduce((n, s) => n + s.payloadBytes, 0)).toBe(payloadBytes);
    expect(header.length + payloadBytes).toBe(row.bytes);
    expect(segments[1]!.rewritten.map((f) => f.field)).toEqual(expect.arrayContaining(['tcp.seq', 'tcp.checksum']));
    // The other way round: the large packets of the output, cut at a smaller MTU, are in the capture whole.
    const joined = await run({ output }, {});
    expect(joined.report.rx.aggregates).toBeGreaterThan(0);
    const large = await run({ path: output, open: 1 }, { local: LOCAL });
    expect(large.opened!.segments.map((s) => [s.number, s.onWire])).toEqual(large.opened!.segments.map(() => [1, false]));
    expect(large.opened!.segments.length).toBeGreaterThan(1);
    rmSync(output);
  });
});
