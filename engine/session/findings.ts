import type { ReportFinding, ReportModel, RunSummary, Scenario, SeriesFrame } from '../contract/index.ts';
import { DROP_REASONS, type DropReason } from '../stack/index.ts';
import { regulationFindings } from './regulation-findings.ts';
import { count, durationText, instantText, objectName, percent, plural } from './text.ts';

/** What a run says, in words and with advice, worked out from its figures alone. */

/** Bins without a loss that may lie inside one episode: a full ring lets single packets through. */
const EPISODE_GAP_BINS = 2;

interface Episode {
  readonly firstBin: number;
  lastBin: number;
  drops: number;
}

/** All losses at the rings or pools of one kind and port, over its queues: they share their parameters. */
interface Loss {
  /** First object, for its kind. */
  readonly id: string;
  readonly objects: readonly string[];
  readonly drops: number;
  readonly episodes: number;
  readonly worst: Episode;
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

/** Episodes of loss in drops per bin, in order of time. */
function episodesOf(drops: readonly number[]): Episode[] {
  const episodes: Episode[] = [];
  let open: Episode | undefined;
  for (let b = 0; b < drops.length; b++) {
    if (drops[b] === 0) continue;
    if (open !== undefined && b - open.lastBin <= EPISODE_GAP_BINS) {
      open.lastBin = b;
      open.drops += drops[b]!;
    } else {
      open = { firstBin: b, lastBin: b, drops: drops[b]! };
      episodes.push(open);
    }
  }
  return episodes;
}

function lossesOf(series: SeriesFrame): Loss[] {
  const groups = new Map<string, { objects: string[]; drops: number[] }>();
  for (const [o, id] of series.objects.entries()) {
    const own = series.drops.subarray(o * series.bins, (o + 1) * series.bins);
    if (own.every((d) => d === 0)) continue;
    const key = id.slice(0, id.lastIndexOf('.'));
    const group = groups.get(key) ?? { objects: [], drops: new Array<number>(series.bins).fill(0) };
    group.objects.push(id);
    for (let b = 0; b < own.length; b++) group.drops[b]! += own[b]!;
    groups.set(key, group);
  }
  const losses = [...groups.values()].map(({ objects, drops }) => {
    const episodes = episodesOf(drops);
    const worst = episodes.reduce((a, b) => (b.drops > a.drops ? b : a));
    return { id: objects[0]!, objects, drops: drops.reduce((n, d) => n + d, 0), episodes: episodes.length, worst };
  });
  return losses.sort((a, b) => b.drops - a.drops || (a.id < b.id ? -1 : 1));
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

function lossFinding(loss: Loss, series: SeriesFrame, scenario: Scenario): ReportFinding {
  const reason = reasonOf(loss.id);
  const { worst } = loss;
  const startNs = series.startNs + worst.firstBin * series.binNs;
  const within = durationText((worst.lastBin - worst.firstBin + 1) * series.binNs);
  const where =
    loss.objects.length === 1 ? objectName(loss.id) : `${objectName(loss.id).split(',')[0]!} of ${count(loss.objects.length)} queues`;
  const full = reason?.name.endsWith('nomem') === true ? 'ran out of free packets' : 'was full';
  const times = loss.episodes === 1 ? 'once' : `in ${plural(loss.episodes, 'episode')}`;
  const place =
    loss.episodes === 1
      ? `within ${within} from ${instantText(startNs)}`
      : `the worst took ${plural(worst.drops, 'packet')} within ${within} from ${instantText(startNs)}`;
  const { text, parameters } = advice(loss.id, scenario);
  return {
    tone: 'bad',
    text: `${capital(where)} ${full} ${times}: ${plural(loss.drops, 'packet')} dropped (${reason?.name ?? 'dropped'}), ${place}.`,
    advice: text,
    parameters,
    tNs: startNs,
    objects: [...loss.objects],
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
  const findings = lossesOf(series).map((loss) => lossFinding(loss, series, scenario));
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
    ...regulationFindings(summary),
    ...inputFindings(summary, input),
  ];
  if (!summary.conservation.ok) {
    const bad = summary.conservation.objects.filter((o) => !o.ok).map((o) => o.obj);
    const text = `Conservation does not hold at ${bad.join(', ')}: packets in are not delivered + dropped + in flight. Do not trust this run; please report it.`;
    findings.unshift({ tone: 'bad', text, advice: '', parameters: [], tNs: null, objects: bad });
  }
  return findings;
}
