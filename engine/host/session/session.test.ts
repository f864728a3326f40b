import { copyFileSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { createClient, memoryPortPair, serve, type EngineClient, type EventData, type RunSummary } from '../../contract/index.ts';
import { PcapWriter, atomicFile } from '../../files/index.ts';
import { samplesFolder } from '../paths.ts';
import { scenarioText } from '../scenarios.ts';
import { SessionCore } from './core.ts';
import { sessionHandlers } from './handlers.ts';
import { SessionInput } from './input.ts';
import { reportOf } from './report.ts';
import { runInSlices } from './run-in-slices.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringside-test-session-'));
const sample = join(samplesFolder, 'burst-lte.pcapng');
const session = 's';
let core: SessionCore | undefined;
let client: EngineClient | undefined;

afterEach(() => {
  client?.dispose();
  core?.dispose();
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const never = { signal: new AbortController().signal, progress: () => undefined };

/** A session in this thread, spoken to through the contract; answers and events are checked against it. */
async function open(path: string, scenario = 'small-rings'): Promise<EngineClient> {
  const input = await SessionInput.open(path, never);
  const [near, far] = memoryPortPair();
  const extra = (): never => {
    throw new Error('not part of this test');
  };
  const served = serve(
    far,
    sessionHandlers(() => core!, {
      'session.open': () => core!.info(),
      'session.close': () => ({}),
      'report.export': extra,
      'live.stop': extra,
      'live.status': extra,
      'live.save': extra,
    }),
  );
  core = new SessionCore({
    id: session,
    name: 'sample',
    input,
    scenario: { id: scenario, yaml: scenarioText(scenario) },
    runner: runInSlices,
    events: {
      transport: (data) => {
        served.event('transport', data);
      },
      runFinished: (data) => {
        served.event('run.finished', data);
      },
      runFailed: (data) => {
        served.event('run.failed', data);
      },
      changed: (data) => {
        served.event('session.changed', data);
      },
    },
  });
  client = createClient(near, { validate: true });
  return client;
}

/** A pcap file of small UDP packets at given times (ns), from one sender to four receivers. */
function capture(name: string, timesNs: readonly number[]): string {
  const path = join(folder, name);
  const sink = atomicFile(path);
  if (!sink.ok) throw sink.error;
  const writer = new PcapWriter(sink.value, 1_700_000_000_000_000_000n, { linkType: 1 });
  for (const [i, tNs] of timesNs.entries()) {
    const frame = new Uint8Array(60);
    const view = new DataView(frame.buffer);
    frame.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
    view.setUint16(12, 0x0800);
    frame.set([0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2 + (i % 4)], 14);
    view.setUint16(34, 4_000);
    view.setUint16(36, 9);
    view.setUint16(38, 26);
    writer.packet(tNs, frame, 0, frame.length, frame.length);
  }
  expect(writer.finish().ok).toBe(true);
  return path;
}

describe('a session on a bundled sample', () => {
  test('gives rows, detail and flows that agree with each other', async () => {
    const engine = await open(sample);
    const info = await engine.call('session.info', { session });
    const { total, rows } = await engine.call('packets.rows', { session, first: 1, count: 500 });
    expect(total).toBe(info.capture.packets);
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
    expect(rows.every((row) => row.verdict === 'pending' && row.protocol !== '')).toBe(true);
    const tail = await engine.call('packets.rows', { session, first: total - 1, count: 10 });
    expect(tail.rows).toHaveLength(2);
    expect((await engine.call('packets.rows', { session, first: total + 1, count: 10 })).rows).toEqual([]);

    const detail = await engine.call('packets.detail', { session, number: 17 });
    expect(detail.row).toEqual(rows[16]);
    expect(detail.bytes).toHaveLength(rows[16]!.capturedLength);
    expect(detail.layers.map(({ name }) => name).slice(0, 3)).toEqual(['frame', 'eth', 'ip']);
    await expect(engine.call('packets.detail', { session, number: total + 1 })).rejects.toMatchObject({ code: 'not-found' });

    const next = (await engine.call('packets.neighbour', { session, number: 17, direction: 1 })).number;
    const back = (await engine.call('packets.neighbour', { session, number: next, direction: -1 })).number;
    expect([next > 17, back]).toEqual([true, 17]);
    const neighbour = (await engine.call('packets.rows', { session, first: next, count: 1 })).rows[0]!;
    expect(neighbour.flow).toBe(rows[16]!.flow);
    expect((await engine.call('packets.at', { session, tNs: rows[99]!.tNs })).number).toBeGreaterThanOrEqual(100);
    expect((await engine.call('packets.at', { session, tNs: -1 })).number).toBe(0);
  });

  test('finds the next packet whose row has a text, either way, and 0 where there is none', async () => {
    const engine = await open(sample);
    const { rows } = await engine.call('packets.rows', { session, first: 1, count: 500 });
    const wanted = rows[250]!.destination;
    const holds = (n: number): boolean => `${rows[n - 1]!.source} ${rows[n - 1]!.destination}`.includes(wanted);
    const find = async (from: number, direction: 1 | -1): Promise<number> =>
      (await engine.call('packets.find', { session, text: wanted.toUpperCase(), from, direction })).number;
    const expected = rows.map(({ number }) => number).filter(holds);
    expect(await find(0, 1)).toBe(expected[0]);
    expect(await find(expected[0]!, 1)).toBe(expected[1]);
    expect(await find(expected[1]!, -1)).toBe(expected[0]);
    expect(await find(expected[0]!, -1)).toBe(0);
    expect((await engine.call('packets.find', { session, text: 'no such text', from: 0, direction: 1 })).number).toBe(0);
  });

  test('finds a packet by what became of it', async () => {
    const engine = await open(sample);
    await engine.call('run.start', { session });
    const { rows } = await engine.call('packets.rows', { session, first: 1, count: 500 });
    const { verdict, verdictText: text } = rows[100]!;
    expect(verdict).not.toBe('pending');
    const expected = rows.find((row) => row.number > 50 && row.verdict === verdict && row.verdictText === text)!.number;
    expect((await engine.call('packets.find', { session, text: `${verdict} ${text}`, from: 50, direction: 1 })).number).toBe(expected);
  });

  test('a search can be cancelled', async () => {
    const engine = await open(sample);
    const controller = new AbortController();
    const search = engine.call('packets.find', { session, text: 'no such text', from: 0, direction: 1 }, { signal: controller.signal });
    controller.abort();
    await expect(search).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('runs the whole input, and a change of the scenario runs it again and keeps the summary before', async () => {
    const engine = await open(sample);
    const finished: EventData<'run.finished'>[] = [];
    engine.on('run.finished', (data) => finished.push(data));
    await expect(engine.call('series', { session, fromNs: 0, toNs: 1e9, bins: 10 })).rejects.toMatchObject({ code: 'busy' });
    expect((await engine.call('transport.get', { session })).stale).toBe(true);

    const tiny = 'name: tiny\ndevice: { queues: 1, rxRingSlots: 8, poolPackets: 16 }\n';
    await engine.call('scenario.use', { session, id: 'tiny', yaml: tiny });
    const first = await engine.call('run.start', { session });
    expect(first.conservation.ok).toBe(true);
    expect((await engine.call('transport.get', { session })).stale).toBe(false);
    const drops = sum(first);
    expect(drops).toBeGreaterThan(0);
    const info = await engine.call('session.info', { session });
    const range = { session, fromNs: 0, toNs: info.capture.durationNs, bins: 64 };
    const timeline = await engine.call('timeline', range);
    expect(timeline.packets.reduce((a, b) => a + b)).toBe(first.packets);
    expect(timeline.bytes.reduce((a, b) => a + b)).toBe(first.bytes);
    expect(timeline.drops.reduce((a, b) => a + b)).toBe(drops);
    const series = await engine.call('series', range);
    expect(series.max).toHaveLength(series.objects.length * 64);
    const dropped = await verdicts(engine, first.packets, 'dropped');
    expect(dropped).toHaveLength(drops);
    expect(new Set(dropped)).toEqual(new Set(Object.keys(first.drops)));

    const changed = await engine.call('scenario.set', { session, path: 'device.rxRingSlots', value: 4_096 });
    expect(changed.scenario.yaml).toContain('4096');
    const again = await engine.call('run.start', { session });
    const { current, previous } = await engine.call('run.summary', { session });
    expect(current).toEqual(again);
    expect(previous).toEqual(first);
    expect(again.scenario.sha256).not.toBe(first.scenario.sha256);
    expect(finished.map(({ summary }) => summary.scenario.sha256)).toEqual([first.scenario.sha256, again.scenario.sha256]);
    // Again with the same scenario: the comparison stays with the last run that was different.
    await engine.call('run.start', { session });
    expect((await engine.call('run.summary', { session })).previous).toEqual(first);
  });

  test('says in words what the report says', async () => {
    const engine = await open(sample);
    expect((await engine.call('run.findings', { session })).findings).toEqual([]);
    await engine.call('run.start', { session });
    const { findings } = await engine.call('run.findings', { session });
    expect(findings).toEqual((await reportOf(core!.reportRequest(), never.signal)).findings);
    expect(findings.find(({ tone }) => tone === 'bad')?.text).toContain('581 packets of 6,309 dropped');
  });

  test('a bad scenario is refused with line and field and changes nothing', async () => {
    const engine = await open(sample);
    const before = await engine.call('session.info', { session });
    await expect(engine.call('scenario.use', { session, id: 'mine', yaml: 'name: mine\ndevice:\n  queues: many\n' })).rejects.toMatchObject(
      {
        code: 'bad-input',
        data: { where: { line: 3, field: 'device.queues' } },
      },
    );
    await expect(engine.call('scenario.set', { session, path: 'device.nothing', value: 1 })).rejects.toMatchObject({ code: 'bad-input' });
    expect(await engine.call('session.info', { session })).toEqual(before);
  });

  test('the state at a place is the same however it was reached', async () => {
    const engine = await open(sample);
    const total = (await engine.call('session.info', { session })).capture.packets;
    const middle = Math.floor(total / 2);
    const place = await engine.call('transport.seekPacket', { session, number: middle });
    expect(place).toMatchObject({ state: 'paused', packet: middle });
    const straight = await engine.call('frame', { session });
    const flows = await engine.call('flows.list', { session, sort: 'packets', descending: true, first: 0, count: 500 });
    expect(flows.rows.reduce((n, { packets }) => n + packets, 0)).toBe(middle);
    await engine.call('transport.seek', { session, tNs: 1e18 });
    await engine.call('transport.seekPacket', { session, number: 3 });
    // The list of a moment ago was of another place.
    const early = await engine.call('flows.list', { session, sort: 'packets', descending: true, first: 0, count: 500 });
    expect(early.rows.reduce((n, { packets }) => n + packets, 0)).toBe(3);
    await engine.call('transport.step', { session, unit: 'packet', direction: -1 });
    await engine.call('transport.seekPacket', { session, number: middle });
    const around = await engine.call('frame', { session });
    expect({ ...around, revision: 0 }).toEqual({ ...straight, revision: 0 });
    expect(around.revision).toBeGreaterThan(straight.revision);
    expect((await engine.call('frame', { session })).revision).toBe(around.revision);
  });

  test('plays to the end as fast as possible, answering all the while, and ends where the run ends', async () => {
    const engine = await open(sample);
    const summary = await engine.call('run.start', { session });
    const ended = new Promise<void>((resolve) => {
      engine.on('transport', ({ transport }) => {
        if (transport.state === 'ended') resolve();
      });
    });
    await engine.call('transport.play', { session, speed: 0 });
    const during = await engine.call('frame', { session });
    expect(during.packets).toBeLessThanOrEqual(summary.packets);
    await ended;
    const frame = await engine.call('frame', { session });
    expect(frame).toMatchObject({ packets: summary.packets, drops: sum(summary), flows: summary.flows, held: 0, tNs: summary.endNs });
    expect((await engine.call('transport.play', { session, speed: 0 })).state).toBe('playing');
    await engine.call('transport.pause', { session });
  });

  test('explains a packet: its path and the rules behind it, ending as the list says', async () => {
    const engine = await open(sample);
    const summary = await engine.call('run.start', { session });
    expect(sum(summary)).toBeGreaterThan(0);
    const { rows } = await engine.call('packets.rows', { session, first: 1, count: 500 });
    const dropped = rows.find(({ verdict }) => verdict === 'dropped') ?? rows[0]!;
    const { path, cards, row } = await engine.call('packets.detail', { session, number: dropped.number });
    expect(path[0]?.fields['packet']).toBe(dropped.number);
    expect(path.at(-1)?.event).toBe('drop');
    expect(path.at(-1)?.fields['reason']).toBe(row.verdictText);
    expect(cards.length).toBeGreaterThan(0);
  });
});

test('a seek back over snapshots shows the same state as going there from the start', async () => {
  const path = capture(
    'many.pcap',
    Array.from({ length: 80_000 }, (_, i) => i * 900),
  );
  const engine = await open(path, 'small-rings');
  await engine.call('transport.seekPacket', { session, number: 75_000 });
  await engine.call('transport.seekPacket', { session, number: 40_000 });
  const back = await engine.call('frame', { session });
  const detail = await engine.call('packets.detail', { session, number: 39_990 });
  client?.dispose();
  core?.dispose();
  const fresh = await open(path, 'small-rings');
  const detailFirst = await fresh.call('packets.detail', { session, number: 39_990 });
  await fresh.call('transport.seekPacket', { session, number: 40_000 });
  expect({ ...(await fresh.call('frame', { session })), revision: 0 }).toEqual({ ...back, revision: 0 });
  expect(detailFirst.path).toEqual(detail.path);
});

describe('time', () => {
  test('a timed replay takes the time of the capture and says how late its packets were', async () => {
    const engine = await open(capture('timed.pcap', [0, 20e6, 40e6, 41e6, 80e6, 120e6]), 'default');
    const ended = new Promise<void>((resolve) => {
      engine.on('transport', ({ transport }) => {
        if (transport.state === 'ended') resolve();
      });
    });
    const since = performance.now();
    await engine.call('transport.play', { session, speed: 1 });
    await ended;
    expect(performance.now() - since).toBeGreaterThan(115);
    const { errorNs } = await engine.call('transport.get', { session });
    expect(errorNs?.packets).toBe(6);
  });

  test('an hour of silence is skipped when asked, said while it is, and the choice outlives the scenario', async () => {
    const engine = await open(capture('silent.pcap', [0, 1e6, 3_600e9]), 'default');
    const skips: EventData<'transport'>['transport']['skipped'][] = [];
    const ended = new Promise<void>((resolve) => {
      engine.on('transport', ({ transport }) => {
        skips.push(transport.skipped);
        if (transport.state === 'ended') resolve();
      });
    });
    expect((await engine.call('transport.skipGaps', { session, longerThanNs: 20e6 })).skipGapsNs).toBe(20e6);
    await engine.call('scenario.use', { session, id: 'small-rings', yaml: scenarioText('small-rings') });
    await engine.call('transport.play', { session, speed: 1 });
    await ended;
    expect(skips).toContainEqual(expect.objectContaining({ toNs: 3_600e9 - 20e6 }));
    expect((await engine.call('transport.get', { session })).packet).toBe(3);
    await expect(engine.call('transport.skipGaps', { session, longerThanNs: 0 })).rejects.toMatchObject({ code: 'bad-input' });
  });

  test('files whose time runs backwards play, seek and step in file order', async () => {
    const engine = await open(capture('backwards.pcap', [0, 5e6, 3e6, 4e6, 9e6, 1e6, 20e6]), 'default');
    const packets: number[] = [];
    for (let i = 0; i < 7; i++) packets.push((await engine.call('transport.step', { session, unit: 'packet', direction: 1 })).packet);
    expect(packets).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect((await engine.call('transport.seek', { session, tNs: 4.5e6 })).packet).toBe(1);
    expect((await engine.call('transport.seek', { session, tNs: 5e6 })).packet).toBe(4);
    expect((await engine.call('run.start', { session })).packets).toBe(7);
  });

  test('an empty capture and one of a single packet have nothing to go wrong', async () => {
    for (const times of [[], [0]]) {
      const engine = await open(capture(`few-${times.length}.pcap`, times), 'default');
      const summary = await engine.call('run.start', { session });
      expect(summary.packets).toBe(times.length);
      await engine.call('transport.step', { session, unit: 'burst', direction: -1 });
      expect((await engine.call('transport.seek', { session, tNs: 5e9 })).packet).toBe(times.length);
      const timeline = await engine.call('timeline', { session, fromNs: 0, toNs: 0, bins: 8 });
      expect(timeline.packets.reduce((a, b) => a + b)).toBe(times.length);
      client?.dispose();
      core?.dispose();
    }
  });

  test('a file that is cut while it is open is said, not crashed on', async () => {
    const path = join(folder, 'cut.pcapng');
    copyFileSync(sample, path);
    const engine = await open(path);
    truncateSync(path, 300_000);
    const total = (await engine.call('session.info', { session })).capture.packets;
    const { rows } = await engine.call('packets.rows', { session, first: total, count: 1 });
    expect(rows[0]).toMatchObject({ verdict: 'unreadable', number: total });
    await expect(engine.call('packets.detail', { session, number: total })).rejects.toMatchObject({ code: 'bad-input' });
    const failed = new Promise<string>((resolve) => {
      engine.on('run.failed', ({ message }) => {
        resolve(message);
      });
    });
    await engine.call('transport.play', { session, speed: 0 });
    expect(await failed).toContain('shorter');
    expect((await engine.call('transport.get', { session })).state).toBe('paused');
  });
});

function sum(summary: RunSummary): number {
  return Object.values(summary.drops).reduce((a, b) => a + b, 0);
}

/** Verdict texts of all packets with a verdict. */
async function verdicts(engine: EngineClient, packets: number, verdict: string): Promise<string[]> {
  const texts: string[] = [];
  for (let first = 1; first <= packets; first += 500) {
    const { rows } = await engine.call('packets.rows', { session, first, count: 500 });
    for (const row of rows) if (row.verdict === verdict) texts.push(row.verdictText);
  }
  return texts;
}
