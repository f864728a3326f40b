import { reasonTitle, type ReportModel, type RunSummary } from '../contract/index.ts';
import { NS_PER_S } from '../base/index.ts';
import { bytesText, count, durationText, memoryText, percent, plural, rateText } from './text.ts';

/** The run on one screen of a terminal: what was replayed, rings, ports, drops, conservation. */

export interface SummaryTextOptions {
  /** Name of the input. */
  readonly name: string;
  readonly colour: boolean;
  /** Width of the terminal; lines are kept to it where they can be. */
  readonly columns?: number;
  /** Findings of the report, of which the first few are told. */
  readonly findings?: ReportModel['findings'];
}

const MIN_COLUMNS = 60;
const MAX_BAR = 32;
/** Rings listed: the fullest. The others are counted. */
const MAX_RINGS = 12;
const MAX_FINDINGS = 4;

/** The window's tokens as 24-bit colours; terminals without them show the nearest they have. */
const COLOURS = { accent: '63;182;198', muted: '152;166;182', held: '242;184;75', drop: '255;107;107', good: '76;195;138' } as const;

type Paint = (token: keyof typeof COLOURS, text: string) => string;

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of eighth blocks, `width` characters long. Anything above zero shows. */
export function blockBar(share: number, width: number): string {
  const clamped = Math.min(1, Math.max(0, share));
  const eighths = clamped > 0 ? Math.max(1, Math.round(clamped * width * 8)) : 0;
  const full = Math.floor(eighths / 8);
  const bar = '█'.repeat(full) + EIGHTHS[eighths % 8]!;
  return bar + '░'.repeat(width - bar.length);
}

/** Text from a file made safe for a terminal: control characters, escape sequences among them, do not get through. */
export function terminalSafe(text: string): string {
  return Array.from(text, (c) => {
    const code = c.codePointAt(0)!;
    const bad = code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    return bad ? '\ufffd' : c;
  }).join('');
}

function rings(summary: RunSummary, columns: number, paint: Paint): string[] {
  const objects = [
    ...summary.rings.map((r) => ({ id: r.id, high: r.highWater, capacity: r.slots, drops: r.drops })),
    ...summary.pools.map((p) => ({ id: p.id, high: p.highWater, capacity: p.packets, drops: p.failures })),
  ].filter((o) => o.high > 0 || o.drops > 0);
  const share = (o: { high: number; capacity: number }) => o.high / Math.max(1, o.capacity);
  const shown = [...objects].sort((a, b) => b.drops - a.drops || share(b) - share(a) || (a.id < b.id ? -1 : 1)).slice(0, MAX_RINGS);
  const idWidth = Math.max(0, ...shown.map((o) => o.id.length));
  const highWidth = Math.max(0, ...shown.map((o) => count(o.high).length));
  const capacityWidth = Math.max(0, ...shown.map((o) => count(o.capacity).length));
  const width = Math.max(8, Math.min(MAX_BAR, columns - idWidth - highWidth - capacityWidth - 28));
  const lines = shown.map((o) => {
    const token = o.drops > 0 ? 'drop' : share(o) >= 0.8 ? 'held' : 'accent';
    const bar = paint(token, blockBar(share(o), width));
    const figures = `${count(o.high).padStart(highWidth)} of ${count(o.capacity).padEnd(capacityWidth)}`;
    const drops = o.drops > 0 ? paint('drop', `  ✕ ${count(o.drops)}`) : '';
    return `  ${o.id.padEnd(idWidth)}  ${bar}  ${percent(o.high, o.capacity).padStart(7)}  ${figures}${drops}`.trimEnd();
  });
  const rest = summary.rings.length + summary.pools.length - shown.length;
  if (rest > 0)
    lines.push(paint('muted', `  ${count(rest)} more rings and pools${objects.length > shown.length ? '' : ' were never used'}`));
  return lines;
}

function ports(summary: RunSummary, paint: Paint): string[] {
  const used = summary.ports.filter((p) => p.packetsIn > 0);
  const rows = used.map((p) => [
    p.id,
    p.kind,
    count(p.packetsIn),
    count(p.delivered),
    count(p.dropped),
    p.delivered > 0 && p.kind !== 'device' ? durationText(p.delayNs.p50) : '–',
    p.delivered > 0 && p.kind !== 'device' ? durationText(p.delayNs.p99) : '–',
  ]);
  const head = ['port', 'kind', 'in', 'delivered', 'dropped', 'p50', 'p99'];
  const widths = head.map((h, i) => Math.max(h.length, ...rows.map((r) => r[i]!.length)));
  const line = (cells: readonly string[]) => `  ${cells.map((c, i) => (i < 2 ? c.padEnd(widths[i]!) : c.padStart(widths[i]!))).join('  ')}`;
  return [paint('muted', line(head)), ...rows.map(line)];
}

/** Meter and sockets in a few lines; none where no port feeds sockets. */
function regulation({ meter, sockets, stages }: RunSummary, paint: Paint): string[] {
  if (meter === undefined || sockets === undefined) return [];
  const meters = meter.map((m) =>
    m.enabled
      ? `  ${m.id}  ${count(m.slots)} slots for ${m.capability.rat}, ${count(m.highWaterSlots)} at most; ${count(m.portions)} portions, ${count(m.stall)} stalls; added ${durationText(1_000 * m.addedDelayUs.p50)} p50, ${durationText(1_000 * m.addedDelayUs.p99)} p99`
      : `  ${m.id}  off`,
  );
  const total = (stages ?? []).filter((s) => s.stage === 'total' && s.packets > 0);
  const delays = total.map((s) => `${s.port} ${durationText(s.p50)} p50, ${durationText(s.p99)} p99, ${durationText(s.p999)} p99.9`);
  return [
    ...meters,
    `  ${plural(sockets.sockets, 'socket')} of ${memoryText(sockets.rcvbufBytes)}, the fullest ${memoryText(sockets.fillMaxBytes)}, ${count(sockets.drops)} drops`,
    ...(delays.length === 0 ? [] : [paint('muted', `  device to application: ${delays.join('; ')}`)]),
    '',
  ];
}

/** Lines joined by newlines, with one at the end. No colour codes unless asked for. */
export function summaryText(summary: RunSummary, options: SummaryTextOptions): string {
  const paint: Paint = (token, text) => (options.colour ? `\u001b[38;2;${COLOURS[token]}m${text}\u001b[0m` : text);
  const columns = Math.max(MIN_COLUMNS, options.columns ?? 100);
  const seconds = summary.durationNs / NS_PER_S;
  const rate = seconds > 0 ? `, ${rateText((summary.bytes * 8) / seconds)} on average` : '';
  const total = Object.values(summary.drops).reduce((n, d) => n + d, 0);
  const drops = Object.entries(summary.drops).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const skipped = Object.entries(summary.skipped);
  const out = [
    `${terminalSafe(options.name)}${paint('muted', `  scenario ${summary.scenario.name}, seed ${String(summary.seed)}`)}`,
    `  ${count(summary.packets)} packets, ${bytesText(summary.bytes)}, ${count(summary.flows)} flows in ${durationText(summary.durationNs)}${rate}`,
    '',
    ...rings(summary, columns, paint),
    '',
    ...ports(summary, paint),
    '',
    ...regulation(summary, paint),
    total === 0
      ? paint('good', '  ✓ nothing dropped')
      : `  ${paint('drop', `✕ ${count(total)} dropped`)} (${percent(total, summary.packets)}): ${drops.map(([r, n]) => `${reasonTitle(r)} ${count(n)}`).join(', ')}`,
    summary.conservation.ok ? paint('good', '  ✓ packets conserved') : paint('drop', '  ✕ packets not conserved: do not trust this run'),
  ];
  if (skipped.length > 0) out.push(paint('held', `  ◆ skipped: ${skipped.map(([r, n]) => `${r} ${count(n)}`).join(', ')}`));
  for (const finding of (options.findings ?? []).filter((f) => f.advice !== '').slice(0, MAX_FINDINGS)) {
    out.push(
      '',
      `  ${paint(finding.tone === 'bad' ? 'drop' : 'held', finding.tone === 'bad' ? '✕' : '◆')} ${finding.text}`,
      paint('muted', `    ${finding.advice}`),
    );
  }
  return `${out.join('\n')}\n`;
}
