import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../base/index.ts';
import { VERDICTS, type RunSummary, type Scenario } from '../../contract/index.ts';
import { MemorySink, PcapWriter, RecordBatch, memoryByteSource, openSource } from '../../files/index.ts';
import { Nat64, reasonOf } from '../../translator/index.ts';
import { ClassifiedBatch, classifyBatch } from '../../wire/index.ts';
import { explainPacket } from '../explain.ts';
import { generateTo, parseGenerator } from '../generate/index.ts';
import { Pipeline } from '../pipeline.ts';
import { parseScenario } from '../scenario/index.ts';
import type { RecordAccess } from '../types.ts';
import { poolRows } from './pool-tables.ts';
import { BindingSearch, FlowSearch, wholeSearch } from './table-search.ts';
import { portRows } from './tables.ts';
import { type TranslatingWorld } from './world.ts';

const root = resolve(import.meta.dirname, '../../..');
const SCENARIO = readFileSync(join(root, 'resources/scenarios/nat64.yaml'), 'utf8');
const CHAIN = readFileSync(join(root, 'resources/scenarios/464xlat.yaml'), 'utf8');
const MAPT = readFileSync(join(root, 'resources/scenarios/mapt.yaml'), 'utf8');

const scenarioOf = (yaml: string): Scenario => unwrap(parseScenario(yaml));

/** All records of a bundled sample. */
function sample(name: string): RecordAccess & { batches: () => Generator<RecordBatch> } {
  const sink = new MemorySink();
  unwrap(generateTo(unwrap(parseGenerator(readFileSync(join(root, `resources/generators/${name}.yaml`), 'utf8'))), sink));
  return accessOf(sink.bytes());
}

function accessOf(bytes: Uint8Array): RecordAccess & { batches: () => Generator<RecordBatch> } {
  function* batches(): Generator<RecordBatch> {
    const source = unwrap(openSource(memoryByteSource(bytes), 'x'));
    const batch = new RecordBatch();
    while (source.nextBatch(batch)) yield batch;
  }
  let packets = 0;
  for (const batch of batches()) packets += batch.count;
  return {
    packets,
    batches,
    read(first, into) {
      let before = 0;
      for (const batch of batches()) {
        if (first <= before + batch.count) {
          const skip = first - before - 1;
          into.bytes = batch.bytes;
          into.count = batch.count - skip;
          for (const column of ['offset', 'capLen', 'origLen', 'tsNs', 'iface', 'linkType'] as const) {
            into[column].set(batch[column].subarray(skip, batch.count));
          }
          return into.count;
        }
        before += batch.count;
      }
      return 0;
    },
  };
}

interface Ran {
  readonly pipeline: Pipeline;
  readonly world: TranslatingWorld;
  readonly summary: RunSummary;
  readonly verdicts: string[];
  readonly details: Uint8Array;
}

function run(scenario: Scenario, input: ReturnType<typeof sample>, step = 4_096): Ran {
  const verdicts = { verdict: new Uint8Array(input.packets), detail: new Uint8Array(input.packets) };
  const pipeline = new Pipeline(scenario, { verdicts, series: { bins: 64 } });
  const classified = new ClassifiedBatch(new RecordBatch().capacity);
  let number = 1;
  for (const batch of input.batches()) {
    classifyBatch(batch, classified);
    for (let from = 0; from < batch.count; from += step) {
      const to = Math.min(batch.count, from + step);
      pipeline.feed(batch, classified, from, to, number + from);
    }
    number += batch.count;
  }
  pipeline.finish();
  return {
    pipeline,
    world: pipeline.worlds[0] as TranslatingWorld,
    summary: pipeline.summary({ skipped: {}, scenarioSha256: '0' }),
    verdicts: Array.from(verdicts.verdict, (v) => VERDICTS[v] ?? ''),
    details: verdicts.detail,
  };
}

const tally = (words: readonly string[]): Record<string, number> => {
  const out: Record<string, number> = {};
  for (const word of words) out[word] = (out[word] ?? 0) + 1;
  return out;
};

describe('translator port on the flow switch', () => {
  const both = sample('nat64-arriving');

  it('translates what its selectors take, refuses with a reason, and loses no packet', () => {
    const { summary, verdicts, world } = run(scenarioOf(SCENARIO), both);
    expect(summary.conservation.objects.filter(({ ok }) => !ok)).toEqual([]);
    expect(summary.conservation.ok).toBe(true);
    const count = tally(verdicts);
    expect(count['translated']).toBeGreaterThan(200);
    expect(count['pending'] ?? 0).toBe(0);
    const [port] = world.translators;
    const translated = port!.counts[0]!;
    expect(count['translated']).toBe(translated);
    expect(port!.translator).toBeInstanceOf(Nat64);
    expect(port!.pairs.count).toBeGreaterThan(10);
    const sent = summary.rings.find(({ id }) => id === 'device.tx.0')!;
    expect(sent.dequeued).toBe(translated + (count['refused'] === undefined ? 0 : world.made - translated));
  });

  it('gives the same result however the input is cut', () => {
    const whole = run(scenarioOf(SCENARIO), both);
    const pieces = run(scenarioOf(SCENARIO), both, 7);
    expect(pieces.summary).toEqual(whole.summary);
    expect(pieces.verdicts).toEqual(whole.verdicts);
    expect(pieces.details).toEqual(whole.details);
  });

  it('a small TX ring drops translated packets, which the account shows', () => {
    const small = SCENARIO.replace('kind: translator', 'kind: translator\n    txRingSlots: 2\n    reader: { batch: 64, wakeUs: 20000 }');
    const { summary, verdicts } = run(scenarioOf(small), both);
    expect(summary.drops['TxRingFull'] ?? summary.drops['tx_ring_full'] ?? 0).toBeGreaterThan(0);
    expect(tally(verdicts)['dropped']).toBeGreaterThan(0);
    expect(summary.conservation.ok).toBe(true);
  });

  it('explains a translated packet: the port in its path, each field with its section', () => {
    const scenario = scenarioOf(SCENARIO);
    const { verdicts } = run(scenario, both);
    const number = verdicts.indexOf('translated') + 1;
    const explained = explainPacket(both, scenario, number)!;
    expect(explained.path.map(({ layer, event }) => `${layer} ${event}`)).toEqual(expect.arrayContaining(['translator translate', 'device transmit'])); // prettier-ignore
    expect(explained.cards.some(({ title }) => title.startsWith('nat64: IPv6 to IPv4'))).toBe(true);
    expect(explained.steps[0]!.after[0]!.bytes[0]).toBe(0x45);
    const refused = verdicts.indexOf('refused') + 1;
    if (refused > 0) expect(explainPacket(both, scenario, refused)!.verdict).toBe('refused');
  });
});

/** A UDP packet of a host behind a CLAT to a server in the IPv4 internet. */
function fromHome(): Uint8Array {
  const b = new Uint8Array(36);
  b.set([0x45, 0, 0, 36, 0, 1, 0x40, 0, 64, 17, 0, 0, 192, 168, 1, 7, 198, 51, 100, 9, 0x13, 0x88, 0, 53, 0, 16, 0x12, 0x34]);
  seal(b);
  return b;
}

function seal(b: Uint8Array): void {
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += i === 10 ? 0 : (b[i]! << 8) | b[i + 1]!;
  sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
  b[10] = sum >> 8;
  b[11] = sum & 255;
}

describe('CLAT and PLAT in one scenario', () => {
  it('a packet goes through both, and so does its answer', () => {
    const sink = new MemorySink();
    const writer = new PcapWriter(sink, 0n, { linkType: 101 });
    const out = fromHome();
    writer.packet(0, out, 0, out.length, out.length);
    // The first binding of a host keeps its port; the pool has one address.
    const back = fromHome();
    back.set([198, 51, 100, 9, 203, 0, 113, 1, 0, 53, 0x13, 0x88], 12);
    seal(back);
    writer.packet(1e9, back, 0, back.length, back.length);
    writer.finish();
    const input = accessOf(sink.bytes());
    const scenario = scenarioOf(CHAIN);
    const { verdicts, details, summary, world } = run(scenario, input);
    expect(details.length === 0 ? '' : reasonOf(details[0]!).id).toBe('translated');
    expect(verdicts).toEqual(['translated', 'translated']);
    expect(summary.conservation.ok).toBe(true);
    expect(world.translators.map(({ id, counts }) => [id, counts[0]])).toEqual([['clat', 2], ['plat', 2]]); // prettier-ignore
    const steps = explainPacket(input, scenario, 2)!.steps;
    expect(steps.map(({ port, side }) => [port, side])).toEqual([['plat', 4], ['clat', 6]]); // prettier-ignore
    expect([...steps[1]!.after[0]!.bytes.subarray(12, 20)]).toEqual([198, 51, 100, 9, 192, 168, 1, 7]);
  });
});

describe('MAP-T edge and relay in one scenario', () => {
  it('a packet leaves with the address and a port of the edge, and its answer comes back to the host', () => {
    const capture = (packets: readonly Uint8Array[]): ReturnType<typeof accessOf> => {
      const sink = new MemorySink();
      const writer = new PcapWriter(sink, 0n, { linkType: 101 });
      for (const [i, bytes] of packets.entries()) writer.packet(i * 1e9, bytes, 0, bytes.length, bytes.length);
      writer.finish();
      return accessOf(sink.bytes());
    };
    const scenario = scenarioOf(MAPT);
    const left = explainPacket(capture([fromHome()]), scenario, 1)!.steps[1]!.after[0]!.bytes;
    expect([...left.subarray(12, 20)]).toEqual([192, 0, 2, 18, 198, 51, 100, 9]);
    const back = fromHome();
    back.set([198, 51, 100, 9, 192, 0, 2, 18, 0, 53, left[20]!, left[21]!], 12);
    seal(back);
    const input = capture([fromHome(), back]);
    const { verdicts, summary, world, pipeline } = run(scenario, input);
    expect(verdicts).toEqual(['translated', 'translated']);
    expect(summary.conservation.ok).toBe(true);
    expect(world.translators.map(({ id, counts }) => [id, counts[0]])).toEqual([['edge', 2], ['relay', 2]]); // prettier-ignore
    expect([...explainPacket(input, scenario, 2)!.steps[1]!.after[0]!.bytes.subarray(16, 20)]).toEqual([192, 168, 1, 7]);
    // The tables of the panel: a binding of the host, a session with its state, ports of the set in use.
    expect(portRows(pipeline).map(({ tables }) => tables?.bindings ?? null)).toEqual([1, null]);
    expect(wholeSearch(new BindingSearch(pipeline, '')).page(0, 9)).toMatchObject([
      { port: 'edge', v6: '192.168.1.7', port6: 5_000, v4: '192.0.2.18', sessions: 1 },
    ]);
    for (const text of ['edge', '192.168.1.7:5000', '192.168.1.7', ':5000 > ', 'udp', '[2001:db8']) {
      const found = wholeSearch(new FlowSearch(pipeline, 'id', false, text)).page(0, 9).filter(({ port }) => port === 'edge'); // prettier-ignore
      expect(found, text).toMatchObject([{ port: 'edge', state: 'UDP', packets46: 1, packets64: 1 }]);
    }
    expect(wholeSearch(new FlowSearch(pipeline, 'id', false, '192.168.1.8')).page(0, 9)).toEqual([]);
    expect(poolRows(pipeline).rows).toMatchObject([{ port: 'edge', address: '192.0.2.18', ports: 252, udp: 1 }]);
  });
});

describe('translator ports in scenarios', () => {
  it('refuses several device queues', () => {
    const parsed = parseScenario('name: x\ndevice: { queues: 4 }\nports: [{ id: t, kind: translator, select: [{}] }]');
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.error[0]).toMatchObject({ field: 'device.queues', message: expect.stringContaining('one queue') });
  });

  it('names the field of the configuration', () => {
    const yaml =
      'name: x\ndevice: { queues: 1 }\nports:\n  - id: t\n    kind: translator\n    select: [{}]\n    translator: { pool6: [x] }';
    const parsed = parseScenario(yaml);
    expect(parsed.ok ? [] : parsed.error.map(({ field, line }) => [field, line])).toEqual([['ports.0.translator.pool6.0', 7]]);
    const none = parseScenario('name: x\nports: [{ id: t, kind: user, select: [{}], translator: {} }]');
    expect(none.ok ? '' : none.error[0]!.message).toContain('kind: translator');
  });
});
