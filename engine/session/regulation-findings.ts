import type { MeterStats, ReportFinding, RunSummary } from '../contract/index.ts';
import { memoryText, count, durationText, instantText, plural, rateText } from './text.ts';

const plain = { advice: '', parameters: [] as string[], tNs: null, objects: [] as string[] };

/** What the meter and the sockets of a run came to, in words; nothing where no port feeds sockets. */
export function regulationFindings(summary: RunSummary): ReportFinding[] {
  const { meter, sockets, stages } = summary;
  if (meter === undefined || sockets === undefined) return [];
  const findings = meter[0]?.enabled === true ? [heldFinding(meter), ...sizeFindings(meter)] : [offFinding(summary)];
  if (sockets.stalledSockets > 0) {
    const text = `${plural(sockets.stalledSockets, 'socket')} did not read for more than 10 s while data was held for it.`;
    findings.push({ ...plain, tone: 'warn', text, advice: 'Its application has stopped reading.' });
  }
  findings.push(...lossFindings(meter));
  const side = (stages ?? []).filter((s) => s.stage === 'total' && s.packets > 0);
  if (side.length > 1) {
    const parts = side.map((s) => `${s.port} ${durationText(s.p50)} median, ${durationText(s.p99)} 99th percentile`);
    findings.push({ ...plain, tone: 'note', text: `From the device to the application: ${parts.join('; ')}.` });
  }
  return findings;
}

const total = (meters: readonly MeterStats[], pick: (m: MeterStats) => number): number => meters.reduce((n, m) => n + pick(m), 0);

function heldFinding(meter: readonly MeterStats[]): ReportFinding {
  const added = Math.max(...meter.map((m) => m.addedDelayUs.p99));
  const largest = Math.max(...meter.map((m) => m.burstMaxBytes));
  const text =
    `The meter took ${plural(
      total(meter, (m) => m.bursts),
      'burst',
    )} of up to ${memoryText(largest)} and fed the sockets in ` +
    `${plural(
      total(meter, (m) => m.portions),
      'portion',
    )} at up to ${rateText(Math.max(...meter.map((m) => m.rateMaxBps)))}; ` +
    `it held ${memoryText(Math.max(...meter.map((m) => m.holdBytesMax)))} at most and added ${durationText(1_000 * added)} (99th percentile).`;
  return { ...plain, tone: 'note', text, objects: meter.map((m) => m.id) };
}

function sizeFindings(meter: readonly MeterStats[]): ReportFinding[] {
  const sizes = meter[0]!.sizes.filter((s) => s.event !== 'shrink-wanted');
  const last = sizes.at(-1)!;
  const text = `The meter ring has ${count(last.slots)} slots for ${last.rat}: ${last.rule}.`;
  const changes = sizes.slice(1).map((s) => ({
    ...plain,
    tone: 'note' as const,
    text: `The meter ring ${s.event === 'grow' ? 'grew' : 'shrank'} to ${count(s.slots)} slots at ${instantText(s.tNs)}, because the network became ${s.rat}.`,
    tNs: s.tNs,
  }));
  return [{ ...plain, tone: 'note', text, parameters: ['device.network.profile'] }, ...changes];
}

function offFinding(summary: RunSummary): ReportFinding {
  const drops = summary.drops['sock_full_drop'] ?? 0;
  if (drops === 0) return { ...plain, tone: 'note', text: 'The meter is off, and no receive buffer overflowed.' };
  return {
    ...plain,
    tone: 'bad',
    text: `The meter is off: receive buffers of ${memoryText(summary.sockets!.rcvbufBytes)} overflowed, ${plural(drops, 'packet')} dropped (sock_full_drop).`,
    advice: 'Switch the meter on, or give the sockets a larger receive buffer.',
    parameters: [`ports.${summary.meter![0]!.port}.meter.enable`, `ports.${summary.meter![0]!.port}.sockets.rcvbufBytes`],
  };
}

function lossFindings(meter: readonly MeterStats[]): ReportFinding[] {
  const findings: ReportFinding[] = [];
  const full = total(meter, (m) => m.ringFullDrop + m.headDrop);
  if (full > 0) {
    const { slots, rateMaxBps, port } = meter[0]!;
    findings.push({
      ...plain,
      tone: 'bad',
      text: `The meter ring of ${count(slots)} slots was full: ${plural(full, 'packet')} dropped.`,
      advice: `The capability record allows for smaller bursts than came: raise device.network.capability.burstBytesMax or holdTimeMs, or drain faster than ${rateText(rateMaxBps)}.`,
      parameters: ['device.network.capability.burstBytesMax', `ports.${port}.meter.holdTimeMs`, `ports.${port}.meter.overflow`],
    });
  }
  const lost: readonly [number, string, string][] = [
    [total(meter, (m) => m.oversizeDrop), 'was larger than its socket takes', 'sockets.maxUnitBytes'],
    [total(meter, (m) => m.mbufDrop), 'found no mbuf', 'sockets.mbufs'],
    [total(meter, (m) => m.purge + m.closedDrop), 'belonged to a socket that had been closed', 'sockets.closes'],
  ];
  for (const [packets, what, parameter] of lost) {
    if (packets > 0)
      findings.push({
        ...plain,
        tone: 'warn',
        text: `${plural(packets, 'packet')} ${what}.`,
        parameters: [`ports.${meter[0]!.port}.${parameter}`],
      });
  }
  return findings;
}
