import type { ReportFinding, ReportModel, RunSummary, Scenario, SeriesFrame } from '../contract/index.ts';
import { DROP_REASONS, type DropReason } from '../stack/index.ts';
import { count, durationText, instantText, objectName, percent, plural } from './text.ts';

/** What a run says, in words and with advice, worked out from its figures alone. */

/** Episodes told one by one; the others are summed up in one finding. */
const MAX_EPISODES = 8;
/** Bins without a loss that may lie inside one episode: a full ring lets single packets through. */
const EPISODE_GAP_BINS = 2;

interface Episode {
  readonly object: number;
  readonly firstBin: number;
  lastBin: number;
  drops: number;
}

/** The drop reason an object stands for, by its kind. */
export function reasonOf(id: string): DropReason | undefined {
  const [port, kind] = id.split('.');
  const device = port === 'device';
  const names: Readonly<Record<string, string>> = {
    rx: device ? 'device_rx_full' : 'RxDstRingFull',
    tx: device ? 'device_tx_full' : 'tx_ring_full',
    pool: device ? 'nomem' : 'port_nomem',
  };
  const name = names[kind ?? ''];
  return DROP_REASONS.find((reason) => reason.name === name);
}

function episodesOf(series: SeriesFrame): Episode[] {
  const episodes: Episode[] = [];
  for (let o = 0; o < series.objects.length; o++) {
    let open: Episode | undefined;
    for (let b = 0; b < series.bins; b++) {
      const drops = series.drops[o * series.bins + b]!;
      if (drops === 0) continue;
      if (open !== undefined && b - open.lastBin <= EPISODE_GAP_BINS) {
        open.lastBin = b;
        open.drops += drops;
      } else {
        open = { object: o, firstBin: b, lastBin: b, drops };
        episodes.push(open);
      }
    }
  }
  return episodes.sort((a, b) => b.drops - a.drops || a.firstBin - b.firstBin || a.object - b.object);
}

/** Parameter paths of an object: its own, and what makes it fill. */
function advice(id: string, scenario: Scenario): { text: string; parameters: string[] } {
  const [port = '', kind = ''] = id.split('.');
  const place = scenario.ports.findIndex((p) => p.id === port);
  const at = `ports.${String(place)}`;
  const spec = scenario.ports[place];
  const { device, flowSwitch } = scenario;
  const raise = (path: string, value: number) => `Raise ${path} above ${count(value)}`;
  if (port === 'device') {
    if (kind === 'rx') {
      const parameters = ['device.rxRingSlots', 'device.moderationUs', 'flowSwitch.perPacketNs'];
      const text = `${raise(parameters[0]!, device.rxRingSlots)}, lower device.moderationUs (${count(device.moderationUs)}) or spend less than flowSwitch.perPacketNs (${count(flowSwitch.perPacketNs)}) on a packet.`;
      return { text, parameters };
    }
    if (kind === 'tx') {
      return {
        text: `${raise('device.txRingSlots', device.txRingSlots)} or device.linkBps above ${count(device.linkBps)}.`,
        parameters: ['device.txRingSlots', 'device.linkBps'],
      };
    }
    return {
      text: `${raise('device.poolPackets', device.poolPackets)}, or have readers return packets sooner.`,
      parameters: ['device.poolPackets'],
    };
  }
  if (spec === undefined) return { text: '', parameters: [] };
  if (kind === 'rx') {
    return {
      text: `${raise(`${at}.rxRingSlots`, spec.rxRingSlots)}, or make the reader of ${port} quicker: wakeUs ${count(spec.reader.wakeUs)}, batch ${count(spec.reader.batch)}, perPacketNs ${count(spec.reader.perPacketNs)}${spec.reader.stalls.length > 0 ? `, ${plural(spec.reader.stalls.length, 'stall')}` : ''}.`,
      parameters: [`${at}.rxRingSlots`, `${at}.reader`],
    };
  }
  const field = kind === 'tx' ? 'txRingSlots' : 'poolPackets';
  return { text: `${raise(`${at}.${field}`, spec[field])}.`, parameters: [`${at}.${field}`] };
}

function episodeFinding(episode: Episode, series: SeriesFrame, scenario: Scenario): ReportFinding {
  const id = series.objects[episode.object]!;
  const reason = reasonOf(id);
  const startNs = series.startNs + episode.firstBin * series.binNs;
  const lengthNs = (episode.lastBin - episode.firstBin + 1) * series.binNs;
  const full = reason?.name.endsWith('nomem') === true ? 'had no free packet' : 'was full';
  const { text, parameters } = advice(id, scenario);
  return {
    tone: 'bad',
    text: `${capital(objectName(id))} ${full} at times within ${durationText(lengthNs)} from ${instantText(startNs)}: ${plural(episode.drops, 'packet')} dropped (${reason?.name ?? 'dropped'}).`,
    advice: text,
    parameters,
    tNs: startNs,
    objects: [id],
  };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function dropFindings(summary: RunSummary, series: SeriesFrame, scenario: Scenario): ReportFinding[] {
  const total = Object.values(summary.drops).reduce((n, d) => n + d, 0);
  if (total === 0) {
    const text = `No packet was dropped: all ${count(summary.packets)} were taken in and none met a full ring or an empty pool.`;
    return [{ tone: 'good', text, advice: '', parameters: [], tNs: null, objects: [] }];
  }
  const episodes = episodesOf(series);
  const told = episodes.slice(0, MAX_EPISODES);
  const rest = episodes.slice(MAX_EPISODES);
  const findings = told.map((episode) => episodeFinding(episode, series, scenario));
  if (rest.length > 0) {
    const drops = rest.reduce((n, e) => n + e.drops, 0);
    const objects = [...new Set(rest.map((e) => series.objects[e.object]!))];
    const text = `${plural(rest.length, 'smaller episode')} dropped ${plural(drops, 'packet')} more, at ${plural(objects.length, 'ring or pool').replace('pools', 'pool')}.`;
    findings.push({ tone: 'warn', text, advice: '', parameters: [], tNs: null, objects });
  }
  const share = `${plural(total, 'packet')} of ${count(summary.packets)} dropped (${percent(total, summary.packets)}).`;
  return [{ tone: 'bad', text: share, advice: '', parameters: [], tNs: null, objects: [] }, ...findings];
}

/** Above this share of its slots a ring was close to dropping. */
const NEARLY_FULL = 0.8;

function nearlyFull(summary: RunSummary): ReportFinding[] {
  const close = [
    ...summary.rings.filter((r) => r.drops === 0 && r.highWater >= r.slots * NEARLY_FULL).map((r) => [r.id, r.highWater, r.slots] as const),
    ...summary.pools
      .filter((p) => p.failures === 0 && p.highWater >= p.packets * NEARLY_FULL)
      .map((p) => [p.id, p.highWater, p.packets] as const),
  ];
  return close.map(([id, high, capacity]) => ({
    tone: 'warn' as const,
    text: `${capital(objectName(id))} dropped nothing but came to ${count(high)} of ${count(capacity)} (${percent(high, capacity)}).`,
    advice: 'A little more of the same traffic would have been lost here.',
    parameters: [],
    tNs: null,
    objects: [id],
  }));
}

function delayFindings(summary: RunSummary): ReportFinding[] {
  return summary.ports
    .filter((port) => port.kind !== 'device' && port.delivered > 0)
    .map((port) => ({
      tone: 'note' as const,
      text: `Packets reached the reader of ${port.id} after ${durationText(port.delayNs.p50)} (median), ${durationText(port.delayNs.p99)} (99th percentile), ${durationText(port.delayNs.max)} at most; ${count(port.delivered)} delivered.`,
      advice: '',
      parameters: [],
      tNs: null,
      objects: [port.id],
    }));
}

function inputFindings(summary: RunSummary, input: ReportModel['input']): ReportFinding[] {
  const findings: ReportFinding[] = [];
  const skipped = Object.entries(summary.skipped);
  if (skipped.length > 0) {
    const list = skipped.map(([reason, n]) => `${reason} ${count(n)}`).join(', ');
    findings.push({
      tone: 'warn',
      text: `Records of the input that could not be replayed: ${list}.`,
      advice: '',
      parameters: [],
      tNs: null,
      objects: [],
    });
  }
  const lost = input.interfaces.reduce((n, i) => n + (i.captureDrops ?? 0), 0);
  if (lost > 0) {
    const text = `The capture itself lost ${plural(lost, 'packet')} before the file was written; they are in no figure of this report.`;
    findings.push({ tone: 'warn', text, advice: '', parameters: [], tNs: null, objects: [] });
  }
  return findings;
}

export function findingsOf(summary: RunSummary, series: SeriesFrame, scenario: Scenario, input: ReportModel['input']): ReportFinding[] {
  const findings = [
    ...dropFindings(summary, series, scenario),
    ...nearlyFull(summary),
    ...delayFindings(summary),
    ...inputFindings(summary, input),
  ];
  if (!summary.conservation.ok) {
    const bad = summary.conservation.objects.filter((o) => !o.ok).map((o) => o.obj);
    const text = `Conservation does not hold at ${bad.join(', ')}: packets in are not delivered + dropped + in flight. Do not trust this run; please report it.`;
    findings.unshift({ tone: 'bad', text, advice: '', parameters: [], tNs: null, objects: bad });
  }
  return findings;
}
