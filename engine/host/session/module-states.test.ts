import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reportSchema, type ReportModel, type ReportModule, type ReportTable } from '../../contract/index.ts';
import { renderHtml, renderJson } from '../../session/index.ts';
import { OfflineReplay } from '../offline.ts';
import { samplesFolder } from '../paths.ts';
import { scenarioText } from '../scenarios.ts';
import { readScenario } from './scenario.ts';

async function replayOf(sample: string, scenario: string, signal = new AbortController().signal): Promise<OfflineReplay> {
  return OfflineReplay.open({
    path: join(samplesFolder, sample),
    scenario: readScenario(scenario, scenarioText(scenario)),
    lanes: 1,
    signal,
    onProgress: () => undefined,
  });
}

async function reportOf(sample: string, scenario: string): Promise<ReportModel> {
  const replay = await replayOf(sample, scenario);
  try {
    return await replay.report(sample);
  } finally {
    replay.dispose();
  }
}

function moduleOf(model: ReportModel, id: ReportModule['id']): ReportModule {
  const found = model.modules.find((module) => module.id === id);
  if (found === undefined) throw new Error(`no module ${id}`);
  return found;
}

function tableOf(module: ReportModule, title: string): ReportTable {
  const found = module.tables.find((table) => table.title === title);
  if (found === undefined) throw new Error(`no table ${title} in ${module.tables.map((t) => t.title).join(', ')}`);
  return found;
}

/** Values of one column. */
function column(table: ReportTable, title: string): (string | number | null)[] {
  const at = table.columns.findIndex((c) => c.title === title);
  return table.rows.map((row) => row[at] ?? null);
}

const sum = (values: readonly (string | number | null)[]): number => values.reduce<number>((n, v) => n + Number(v), 0);

describe('the modules of a run in its report', () => {
  test('are those of the scenario, equal when made again, and follow the schema', async () => {
    const model = await reportOf('everything.pcapng', 'everything');
    expect(model.modules.map((m) => m.id)).toEqual(expect.arrayContaining(['bursts', 'regulation', 'offloads', 'stack', 'translators']));
    expect(reportSchema.parse(JSON.parse(renderJson(model)))).toEqual(model);
    const again = await reportOf('everything.pcapng', 'everything');
    expect(renderHtml(again)).toBe(renderHtml(model));
    for (const { tables } of model.modules) {
      for (const { columns, rows } of tables) for (const row of rows) expect(row).toHaveLength(columns.length);
    }
  });

  test('say of translation, meter and offloads what the summary says of the same packets', async () => {
    const model = await reportOf('everything.pcapng', 'everything');
    const { summary } = model;
    const ports = tableOf(moduleOf(model, 'translators'), 'Ports');
    for (const [i, id] of column(ports, 'Port').entries()) {
      const packets = ['Translated', 'Refused', 'Answered', 'Held'].map((title) => column(ports, title)[i] ?? 0);
      expect(sum(packets)).toBeGreaterThan(0);
      const reasons = tableOf(moduleOf(model, 'translators'), 'Verdicts by reason');
      const own = reasons.rows.filter((row) => row[0] === id).map((row) => row.at(-1) ?? 0);
      expect(sum(own)).toBe(sum(packets));
    }
    const regulation = moduleOf(model, 'regulation');
    expect(column(tableOf(regulation, 'Meter rings'), 'At most')).toEqual(summary.meter?.map((m) => m.highWaterSlots));
    const [chart] = regulation.charts;
    const came = sum(chart?.strips[0]?.values ?? []);
    expect(came).toBeGreaterThan(0);
    expect(sum(chart?.strips[1]?.values ?? [])).toBeLessThanOrEqual(came);
    const offloads = tableOf(moduleOf(model, 'offloads'), 'Ports');
    expect(sum(column(offloads, 'Packets in'))).toBeGreaterThanOrEqual(sum(column(offloads, 'Packets out')));
    expect(sum(column(offloads, 'Merged'))).toBeGreaterThan(0);
    const stack = moduleOf(model, 'stack');
    expect(column(tableOf(stack, 'Instances'), 'Instance')).toEqual(expect.arrayContaining(['browser', 'agent', 'bsd']));
    // S-10: what the stacks have seen of each family, and the link that brought it.
    const protocols = tableOf(stack, 'Protocols by stack');
    expect(column(protocols, 'Stack')).toEqual(expect.arrayContaining(['browser', 'mcast', 'bsd']));
    expect(new Set(column(protocols, 'Protocol'))).toEqual(new Set(['IPv4', 'IPv6', 'TCP', 'UDP', 'QUIC']));
    const routes = tableOf(stack, 'Flow routes');
    expect(column(routes, 'There').length).toBeGreaterThan(5);
    const [rx] = column(tableOf(stack, 'Logical links'), 'Packets in');
    const [tx] = column(tableOf(stack, 'Logical links'), 'Packets out');
    expect(rx).toBeLessThanOrEqual(summary.packets);
    // The tables are those of the last packet; what the link still sends after that is in the summary only.
    const sent = summary.rings.find(({ id }) => id === 'device.tx.0')?.dequeued ?? 0;
    expect(sent - Number(tx)).toBeGreaterThanOrEqual(0);
    expect(sent - Number(tx)).toBeLessThan(64);
  });

  test('say of multicast which path was chosen and why', async () => {
    const model = await reportOf('multicast-joins.pcapng', 'multicast-port');
    const multicast = moduleOf(model, 'multicast');
    const entries = tableOf(multicast, 'Entries and their paths');
    const at = column(entries, 'Entry').indexOf('(198.51.100.10, 232.10.0.1)');
    expect(column(entries, 'Chosen')[at]).toBe('v4');
    expect(column(entries, 'IPv4 cost')[at]).toBe(3);
    expect(column(entries, 'IPv6 cost')[at]).toBe(5);
    expect(renderHtml(model)).toContain('v4 chosen because its cost 3 is lower than 5 of v6');
  });

  test('are the bursts of the input alone where the scenario has no other', async () => {
    const model = await reportOf('mixed-lan.pcapng', 'default');
    expect(model.modules.map((m) => m.id)).toEqual(['bursts']);
    const scales = tableOf(moduleOf(model, 'bursts'), 'By scale');
    expect(column(scales, 'Scale')).toEqual([1e4, 1e5, 1e6, 1e7, 1e8, 1e9]);
  });

  test('end with the report when that is cancelled', async () => {
    const controller = new AbortController();
    const replay = await replayOf('nat64-arriving.pcapng', 'nat64', controller.signal);
    await replay.run();
    const report = replay.report('nat64-arriving.pcapng');
    controller.abort();
    await expect(report).rejects.toThrow();
    replay.dispose();
  });
});
