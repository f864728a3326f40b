import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scenarioText } from './scenarios.ts';
import { parseScenario } from '../lab/index.ts';
import { samplesFolder } from './paths.ts';
import { statisticsOfFile, type StatisticsRequest } from './statistics.ts';
import type { StatisticsFilter, StatisticsRecord } from '../contract/index.ts';

const sample = join(samplesFolder, 'burst-lte.pcapng');

async function read(scenario: string, filter: StatisticsFilter, more: Partial<StatisticsRequest> = {}): Promise<StatisticsRecord[]> {
  const parsed = parseScenario(scenarioText(scenario));
  if (!parsed.ok) throw new Error(parsed.error[0]?.message);
  return statisticsOfFile({
    path: sample,
    scenario: parsed.value,
    filter,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...more,
  });
}
const value = (records: readonly StatisticsRecord[], object: string, name: string): number | undefined =>
  records.find((r) => r.object === object && r.name === name)?.value;

describe('statistics of a replay', () => {
  test('flat records by nexus, process, flow and tuple; they agree with each other', async () => {
    expect(readFileSync(sample).length).toBeGreaterThan(0);
    const all = await read('class-queues', {});
    const by = (filter: (r: StatisticsRecord) => boolean): number => all.filter(filter).length;
    expect(new Set(all.map((r) => r.nexus))).toEqual(new Set(['netif', 'fsw']));
    const sent = all.filter((r) => r.table === 'queue' && r.name === 'enqueued').reduce((n, r) => n + r.value, 0);
    expect(sent).toBeGreaterThan(1_000);
    const enqueued = all.filter((r) => r.table === 'flow-advisory' && r.name === 'packet_count').reduce((n, r) => n + r.value, 0);
    expect(enqueued).toBeLessThanOrEqual(sent);
    expect(await read('class-queues', { pid: 812 })).toHaveLength(by((r) => r.pid === 812));
    expect(by((r) => r.pid === 812)).toBeGreaterThan(10);
    const flow = await read('class-queues', { flow: 2 });
    expect(new Set(flow.map((r) => r.flow))).toEqual(new Set([2]));
    const tuple = flow[0]!.tuple!.split(' ')[1]!;
    expect((await read('class-queues', { tuple })).every((r) => r.tuple!.includes(tuple))).toBe(true);
    expect(await read('class-queues', { nexus: 'netif', table: 'flow' })).toEqual([]);
  });

  test('IP, TCP and UDP of every stack, routes and logical links add up to the flows and the device', async () => {
    const all = await read('class-queues', {});
    const sum = (table: string, ...names: readonly string[]): number =>
      all.filter((r) => r.table === table && names.includes(r.name)).reduce((n, r) => n + r.value, 0);
    const flows = all.filter((r) => r.table === 'flow' && r.name === 'packets_forward').length;
    expect(sum('ip', 'flows') + sum('ip6', 'flows')).toBe(flows);
    const both = ['packets_in', 'packets_out'];
    const packets = sum('flow', 'packets_forward', 'packets_backward');
    expect(sum('ip', ...both) + sum('ip6', ...both)).toBe(packets);
    expect(sum('flow-route', ...both)).toBe(packets);
    expect(sum('ip', 'bytes_in', 'bytes_out') + sum('ip6', 'bytes_in', 'bytes_out')).toBe(sum('flow', 'bytes'));
    expect(sum('tcp', 'opening', 'established', 'closing', 'closed')).toBe(sum('tcp', 'flows'));
    const sent = all.find((r) => r.table === 'netif' && r.name === 'sent_packets')!.value;
    expect(sum('ip', 'packets_out') + sum('ip6', 'packets_out')).toBe(sent);
    expect(sum('udp', 'flows')).toBeGreaterThanOrEqual(sum('quic', 'flows'));
    expect(sum('logical-link', 'rx_packets') + sent).toBe(sum('netif', 'packets'));
    const owners = new Set(all.filter((r) => r.table === 'tcp').map((r) => r.object));
    expect([...owners].sort()).toEqual(['bsd', 'web']);
    expect(all.filter((r) => r.table === 'flow-route').every((r) => r.tuple!.split(' ').length === 2)).toBe(true);
  });

  test('at an instant, events and faults of the scenario have happened up to there', async () => {
    const early = await read('stack-instances', {}, { atNs: 400e6 });
    const late = await read('stack-instances', {});
    expect(value(early, 'api', 'mapped_bytes')).toBe(0);
    expect(value(late, 'api', 'redirected_bytes')).toBeGreaterThan(0);
    expect(value(late, 'turned-bits', 'injected')).toBeGreaterThan(value(early, 'turned-bits', 'injected')!);
    expect(value(late, 'fsw.0', 'bad_checksum')).toBe(value(late, 'turned-bits', 'injected'));
    expect(value(late, 'fsw.worker', 'lostNotifications')).toBeGreaterThan(0);
  });
});
