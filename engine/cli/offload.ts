import { basename } from 'node:path';
import type { OffloadCosts, OffloadMode, OffloadOverrides, OffloadReport, SuperPacket } from '../contract/index.ts';
import { hex } from '../base/index.ts';
import { offloadFile } from '../host/index.ts';
import { bytes, count, duration, printable, table } from './format.ts';
import { EXIT, type Output } from './output.ts';
import { startProgress } from './progress.ts';
import { chooseScenario, type ScenarioOptions } from './scenario-option.ts';

export interface OffloadCommandOptions extends ScenarioOptions {
  readonly mode?: OffloadMode;
  readonly aggregate?: number;
  readonly mtu?: number;
  readonly exact?: boolean;
  readonly local?: readonly string[];
  readonly open?: number;
  readonly corrupt?: number;
  readonly costs?: boolean;
  readonly output?: string;
}

/** A capture through the offloads of a scenario. Ends with code 1 if packets or buffers are unaccounted for. */
export async function offloadCommand(file: string, options: OffloadCommandOptions, output: Output, signal: AbortSignal): Promise<number> {
  const scenario = chooseScenario(options).value;
  const progress = await startProgress(output, printable(basename(file)));
  const { report, costs, opened, notOpened, written } = await offloadFile({
    path: file,
    scenario,
    overrides: overridesOf(options),
    output: options.output,
    open: options.open,
    costs: options.costs === true,
    signal,
    onProgress: (p) => {
      progress.update(p);
    },
  }).finally(() => {
    progress.stop();
  });
  if (output.json) output.record({ file, ...report, ...(costs && { costs }), ...(opened && { opened: plain(opened) }) });
  else {
    output.text(output.paint.bold(printable(file)));
    print(report, output);
    if (costs !== undefined) printCosts(costs, output);
    if (opened !== undefined) printOpened(opened, output);
  }
  if (options.output !== undefined) output.message(`${options.output}: ${count(written)} packets`);
  if (notOpened !== undefined) throw notOpened;
  return report.conserved ? EXIT.ok : EXIT.failed;
}

function overridesOf(options: OffloadCommandOptions): OffloadOverrides {
  return {
    ...(options.mode !== undefined && { mode: options.mode }),
    ...(options.aggregate !== undefined && { aggregateKiB: options.aggregate }),
    ...(options.mtu !== undefined && { mtuBytes: options.mtu }),
    ...(options.exact !== undefined && { exact: options.exact }),
    ...(options.local !== undefined && { local: [...options.local] }),
    ...(options.corrupt !== undefined && { corruptEvery: options.corrupt }),
  };
}

function plain(opened: SuperPacket): object {
  const segments = opened.segments.map((segment) => ({ ...segment, header: hex(segment.header) }));
  return { ...opened, header: hex(opened.header), segments };
}

const share = (n: number, of: number): string => (of === 0 ? '–' : `${((100 * n) / of).toFixed(1)} %`);

function heading(text: string, output: Output): void {
  output.text(`\n${output.paint.bold(text)}`);
}

function print(report: OffloadReport, output: Output): void {
  const { tx, roundTrip: trip, corruption } = report;
  heading('Ports', output);
  const ports = report.ports.map((p) => [
    p.id,
    p.lowLatency ? 'low latency' : `receive: ${p.rx}`,
    `send: ${p.tx}`,
    p.aggregateBytes === 0 ? 'no aggregation' : `aggregates to ${bytes(p.aggregateBytes)}${p.exact ? ', exact' : ''}`,
    p.because,
  ]);
  for (const line of table(ports)) output.text(`  ${line}`);
  heading('Received', output);
  for (const line of table(receivedRows(report))) output.text(`  ${line}`);
  printNamed('Why not merged', report.reasons, output);
  printNamed('Cut again: first difference', trip.differs, output);
  const { taken, datagrams } = report.fragments;
  printNamed(`${count(taken)} fragments, ${count(datagrams)} datagrams put together`, report.fragments.reasons, output);
  if (tx.packetsIn > 0) {
    heading('Sent', output);
    const sent = [
      ['packets', `${count(tx.packetsIn)} in the capture, ${count(tx.packetsOut)} out`],
      ['large packets', `${count(tx.superPackets)} cut into ${count(tx.segments)} segments, ${count(tx.batches)} batches for the driver`],
      ['handed to the switch', `${count(tx.wakeups)} without large packets, ${count(tx.wakeupsCut)} with them`],
      ['checksums filled', count(tx.filled)],
    ];
    for (const line of table(sent)) output.text(`  ${line}`);
  }
  if (corruption.injected > 0) {
    heading('Bits turned after the sum', output);
    output.text(`  ${count(corruption.injected)}: ${count(corruption.caught)} caught, ${count(corruption.missed)} missed`);
  }
  if (report.superPackets.rows.length > 0) {
    heading('Largest aggregates, and packets of this machine that were cut', output);
    const rows = report.superPackets.rows
      .slice(0, 5)
      .map((r) => [r.direction === 'rx' ? 'received' : 'sent', `packets ${r.first} to ${r.last}`, `${r.members}`, bytes(r.bytes), r.flow]);
    for (const line of table(rows, [2, 3])) output.text(`  ${printable(line)}`);
    const { total, kept } = report.superPackets;
    if (kept < total) output.text(`  of the first ${count(kept)}; ${count(total - kept)} later ones are only counted`);
  }
  output.text(
    `\n  kernel ${report.kernel}, bytes out ${report.outCrc32}, ${report.conserved ? 'conserved' : output.paint.red('NOT conserved')}`,
  );
}

function receivedRows(report: OffloadReport): string[][] {
  const { rx, checksums: sums, roundTrip: trip, delayNs, buffers } = report;
  const released = report.releases.filter((r) => r.batches > 0);
  return [
    ['packets', `${count(rx.packetsIn)} in, ${count(rx.packetsOut)} out (${share(rx.packetsIn - rx.packetsOut, rx.packetsIn)} fewer)`],
    [
      'aggregates',
      `${count(rx.aggregates)} of ${count(rx.aggregates + rx.merged)} packets; largest ${count(rx.largestMembers)} packets, ${bytes(rx.largestBytes)}`,
    ],
    ['checksums', `${count(sums.good)} good, ${count(sums.bad)} bad, ${count(sums.absent)} absent, ${count(sums.unchecked)} not checked`],
    ['headers compared', `${count(rx.fast)} under the mask, ${count(rx.slow)} field by field`],
    ['delay to release', `p50 ${duration(delayNs.p50)}, p99 ${duration(delayNs.p99)}, most ${duration(delayNs.max)}`],
    ['batches', released.length === 0 ? 'none' : released.map((r) => `${count(r.batches)} ${r.cause}`).join(', ')],
    [
      'buffers',
      `at most ${count(buffers.defaultHigh)} of 2 KiB and ${count(buffers.largeHigh)} of 16 KiB, ${count(buffers.failures)} refused`,
    ],
    ['cut again', `${count(trip.segments)} segments, ${count(trip.identical)} as on the wire (${share(trip.identical, trip.segments)})`],
    ...(rx.lost > 0 ? [['lost', `${count(rx.lost)} for want of buffers`]] : []),
    ...(rx.unpadded > 0 ? [['without padding', `${count(rx.unpadded)}: no buffer was left for it`]] : []),
    ...(report.notCarried > 0 ? [['not carried', `${count(report.notCarried)} too long, empty, or without a buffer`]] : []),
  ];
}

function printNamed(title: string, rows: OffloadReport['reasons'], output: Output): void {
  const some = rows.filter((r) => r.count > 0).sort((a, b) => b.count - a.count);
  if (some.length === 0) return;
  const total = some.reduce((n, r) => n + r.count, 0);
  heading(title, output);
  for (const line of table(
    some.map((r) => [count(r.count), share(r.count, total), r.name, r.text]),
    [0, 1],
  ))
    output.text(`  ${line}`);
}

function printCosts(costs: OffloadCosts, output: Output): void {
  heading(`Costs, measured on ${count(costs.packets)} packets, best of ${costs.rounds} rounds`, output);
  const rows = costs.rows.map((r) => [
    r.title,
    `${r.nsPerPacket.toFixed(1)} ns/packet`,
    `${r.nsPerByte.toFixed(3)} ns/byte`,
    costs.cpuHz === 0 ? '' : `${r.cyclesPerByte.toFixed(2)} cycles/byte`,
  ]);
  for (const line of table(rows, [1, 2, 3])) output.text(`  ${line}`);
}

function printOpened(opened: SuperPacket, output: Output): void {
  const { row, segments } = opened;
  const what = row.direction === 'rx' ? 'Aggregate of packets' : 'Packet of this machine, in the capture';
  heading(`${what} ${row.first} to ${row.last}: ${bytes(row.bytes)}, ${printable(row.flow)}`, output);
  output.text(`  header ${hex(opened.header, 0, opened.header.length, ' ')}`);
  for (const [i, segment] of segments.entries()) {
    const same = !segment.onWire
      ? 'the capture has the packet whole'
      : segment.differs.length === 0
        ? 'as on the wire'
        : `differs from the wire: ${segment.differs.map((f) => f.label).join(', ')}`;
    output.text(
      `\n  segment ${i + 1}, packet ${segment.number}: payload ${segment.offset} to ${segment.offset + segment.payloadBytes}, ${same}`,
    );
    for (const line of table(segment.rewritten.map((f) => [f.label, f.before, '→', f.after]))) output.text(`    ${line}`);
  }
}
