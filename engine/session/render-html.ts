import type { FlowRow, ReportChart, ReportFinding, ReportModel, ReportModule, ReportTable, ReportUnit } from '../contract/index.ts';
import { NS_PER_S, formatEpoch, formatSeconds } from '../base/index.ts';
import { barChart, dropsChart, moduleChart, occupancyChart, timelineChart } from './charts.ts';
import { reasonOf } from './findings.ts';
import { Html, html } from './html.ts';
import { REPORT_STYLE } from './report-style.ts';
import { bytesText, count, durationText, instantText, memoryText, objectName, percent, rateText } from './text.ts';

/** The report as one HTML file: no script, no link to anything outside, both themes, A4 when printed. */

const MARKS: Readonly<Record<ReportFinding['tone'], string>> = { good: '✓', note: '·', warn: '◆', bad: '✕' };

function figure(label: string, value: string, tone = ''): Html {
  return html`<div class="figure"><span class="muted">${label}</span><b class="${tone}">${value}</b></div>`;
}

interface Column {
  readonly title: string;
  readonly number?: boolean;
}

function table(columns: readonly Column[], rows: readonly (readonly (Html | string)[])[]): Html {
  const align = (i: number) => (columns[i]?.number === true ? 'n' : '');
  return html`<table class="${columns.length <= 2 ? 'narrow' : ''}">
    <thead>
      <tr>
        ${columns.map((c, i) => html`<th class="${align(i)}" scope="col">${c.title}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            ${row.map((cell, i) => html`<td class="${align(i)}">${cell}</td>`)}
          </tr> `,
      )}
    </tbody>
  </table>`;
}

function totalDrops(m: ReportModel): number {
  return m.drops.reduce((n, d) => n + d.packets, 0);
}

function headline(m: ReportModel): Html {
  const { summary } = m;
  const drops = totalDrops(m);
  const seconds = summary.durationNs / NS_PER_S;
  return html`<div class="figures">
    ${[
      figure('packets', count(summary.packets)),
      figure('bytes on the wire', bytesText(summary.bytes)),
      figure('duration', durationText(summary.durationNs)),
      figure('mean rate', seconds > 0 ? rateText((summary.bytes * 8) / seconds) : '–'),
      figure('flows', count(summary.flows)),
      figure('dropped', `${drops > 0 ? '✕ ' : ''}${count(drops)}`, drops > 0 ? 'drop' : 'good'),
      figure('conservation', summary.conservation.ok ? '✓ holds' : '✕ broken', summary.conservation.ok ? 'good' : 'drop'),
    ]}
  </div>`;
}

function findings(m: ReportModel): Html {
  const items = m.findings.map(
    (f) =>
      html`<li>
        <span class="mark ${f.tone}" aria-hidden="true">${MARKS[f.tone]}</span
        >${f.text}${f.advice === '' ? '' : html` <span class="advice">${f.advice}</span>`}
      </li>`,
  );
  return html`<h2>Findings</h2>
    <div class="panel long">
      <ul class="findings">
        ${items}
      </ul>
    </div>`;
}

function timeline(m: ReportModel): Html {
  const t = m.timeline;
  return html`<h2>Timeline</h2>
    <div class="panel">
      <p class="muted">Packets in bins of ${durationText(t.binNs)}; drops below in red.</p>
      ${timelineChart(t.startNs, t.binNs, t.packets, t.drops)}
    </div>`;
}

function occupancy(m: ReportModel, pools: boolean): Html {
  const figures = new Map<string, { highWater: number; used: number }>();
  for (const r of m.summary.rings) figures.set(r.id, r);
  for (const p of m.summary.pools) figures.set(p.id, p);
  const isPool = (id: string) => id.split('.')[1] === 'pool';
  const shown = m.series.objects.filter((o) => isPool(o.id) === pools && o.max.some((v) => v > 0));
  const hidden = m.series.objects.filter((o) => isPool(o.id) === pools).length - shown.length;
  const rows = shown.map((o) => {
    const high = figures.get(o.id)?.highWater ?? 0;
    const drops = o.drops.reduce((n, d) => n + d, 0);
    const label = `${objectName(o.id)}: at most ${count(high)} of ${count(o.capacity)}, ${count(drops)} dropped`;
    return html`<div><b>${objectName(o.id)}</b><br /><span class="muted">${count(o.capacity)} ${pools ? 'packets' : 'slots'}</span></div>
      <div>${occupancyChart(o.max, o.drops, o.capacity, high, label)}</div>
      <div class="right mono">
        max ${percent(high, o.capacity)}<br /><span class="${drops > 0 ? 'drop' : 'muted'}"
          >${drops > 0 ? '✕ ' : ''}${count(drops)} dropped</span
        >
      </div>`;
  });
  const rest = hidden > 0 ? html`<p class="muted">${count(hidden)} more were never used.</p>` : '';
  const title = pools ? 'Packet pools' : 'Rings';
  return html`<h2>${title}</h2>
    <div class="panel long">
      <p class="muted">Highest occupancy in bins of ${durationText(m.series.binNs)}; the dashed line is the high-water mark.</p>
      <div class="rings">${rows}</div>
      ${rest}
    </div>`;
}

function drops(m: ReportModel): Html {
  if (m.drops.length === 0)
    return html`<h2>Drops by reason</h2>
      <div class="panel"><p class="good">✓ None.</p></div>`;
  const byReason = m.drops.map(({ reason }) => {
    const objects = m.series.objects.filter((o) => reasonOf(o.id)?.name === reason);
    const sum = new Array<number>(objects[0]?.drops.length ?? 0).fill(0);
    for (const o of objects) for (let b = 0; b < sum.length; b++) sum[b]! += o.drops[b]!;
    return { reason, drops: sum };
  });
  const rows = m.drops.map((d) => [
    html`<code>${d.reason}</code>`,
    d.text,
    html`<code>${d.parameter}</code>`,
    count(d.packets),
    percent(d.packets, m.summary.packets),
  ]);
  const columns = [
    { title: 'Reason' },
    { title: 'What it means' },
    { title: 'Parameter' },
    { title: 'Packets', number: true },
    { title: 'Share', number: true },
  ];
  return html`<h2>Drops by reason</h2>
    <div class="panel">${dropsChart(m.series.startNs, m.series.binNs, byReason)}${table(columns, rows)}</div>`;
}

function delays(m: ReportModel): Html {
  const ports = m.summary.ports.filter((p) => p.delivered > 0 && p.kind !== 'device');
  const worst = Math.max(1, ...ports.map((p) => p.delayNs.max));
  const rows = ports.flatMap((p) =>
    (['p50', 'p95', 'p99', 'max'] as const).map((q, i) => [
      i === 0 ? html`<b>${p.id}</b>` : '',
      q,
      barChart(p.delayNs[q], worst, q === 'max' ? 'heldbar' : 'bar', `${p.id} ${q} ${durationText(p.delayNs[q])}`),
      durationText(p.delayNs[q]),
    ]),
  );
  const columns = [{ title: 'Port' }, { title: 'Percentile' }, { title: 'Device to reader' }, { title: 'Delay', number: true }];
  const list = m.summary.ports.map((p) => [p.id, p.kind, count(p.packetsIn), bytesText(p.bytesIn), count(p.delivered), count(p.dropped)]);
  const portColumns = [
    { title: 'Port' },
    { title: 'Kind' },
    ...['Packets in', 'Bytes in', 'Delivered', 'Dropped'].map((title) => ({ title, number: true })),
  ];
  return html`<h2>Ports and delay</h2>
    <div class="panel">${table(portColumns, list)}</div>
    ${ports.length > 0 ? html`<div class="panel">${table(columns, rows)}</div>` : ''}`;
}

function endpoint(address: string, port: number, version: FlowRow['ipVersion']): Html {
  const text = port > 0 ? (version === 6 ? `[${address}]:${String(port)}` : `${address}:${String(port)}`) : address;
  return html`<span class="${version === 6 ? 'v6' : version === 4 ? 'v4' : ''}">${text}</span>`;
}

function flows(m: ReportModel): Html {
  const rows = m.flows.rows.map((f) => [
    html`<span class="mono">${endpoint(f.source, f.sourcePort, f.ipVersion)}</span>`,
    html`<span class="mono">${endpoint(f.destination, f.destinationPort, f.ipVersion)}</span>`,
    html`<span class="word">${f.protocol}</span>`,
    html`<span class="word">${f.port}</span>`,
    count(f.packets),
    bytesText(f.bytes),
    f.drops > 0 ? html`<span class="drop">✕ ${count(f.drops)}</span>` : '0',
    f.tcpState,
    durationText(f.lastNs - f.firstNs),
  ]);
  const columns: Column[] = [
    { title: 'Source' },
    { title: 'Destination' },
    { title: 'Protocol' },
    { title: 'Port' },
    { title: 'Packets', number: true },
    { title: 'Bytes', number: true },
    { title: 'Drops', number: true },
    { title: 'TCP state' },
    { title: 'Duration', number: true },
  ];
  return html`<h2>Largest flows</h2>
    <div class="panel long">
      <p class="muted">${count(m.flows.rows.length)} of ${count(m.flows.total)}, by bytes.</p>
      ${table(columns, rows)}
    </div>`;
}

function protocols(m: ReportModel): Html {
  if (m.protocols.length === 0) return html``;
  const top = Math.max(1, ...m.protocols.map((p) => p.packets));
  const rows = m.protocols.map((p) => [
    p.protocol,
    barChart(p.packets, top, 'bar', `${p.protocol}: ${count(p.packets)} packets`),
    count(p.packets),
    percent(p.packets, m.summary.packets),
    bytesText(p.bytes),
  ]);
  const columns = [
    { title: 'Protocol' },
    { title: '' },
    { title: 'Packets', number: true },
    { title: 'Share', number: true },
    { title: 'Bytes', number: true },
  ];
  return html`<h2>Protocols</h2>
    <div class="panel">${table(columns, rows)}</div>`;
}

const UNIT_TEXT: Readonly<Record<Exclude<ReportUnit, 'text'>, (n: number) => string>> = {
  count,
  bytes: bytesText,
  memory: memoryText,
  ns: durationText,
  instant: instantText,
  bps: rateText,
  ratio: (n) => n.toLocaleString('en-US', { maximumSignificantDigits: 3 }),
};

function cellText(value: string | number | null, unit: ReportUnit): string {
  if (value === null) return '–';
  return typeof value === 'string' || unit === 'text' ? String(value) : UNIT_TEXT[unit](value);
}

function moduleTable({ title, note, columns, rows }: ReportTable): Html {
  const heads = columns.map((column) => ({ title: column.title, number: column.unit !== 'text' }));
  const cells = rows.map((row) => row.map((value, i) => cellText(value, columns[i]!.unit)));
  return html`<h3>${title}</h3>
    <div class="panel long">${note === '' ? '' : html`<p class="muted">${note}</p>`}${table(heads, cells)}</div>`;
}

function chart(model: ReportChart): Html {
  return html`<h3>${model.title}</h3>
    <div class="panel">${moduleChart(model, cellText)}</div>`;
}

function moduleSection({ title, text, charts, tables }: ReportModule): Html {
  return html`<h2>${title}</h2>
    ${text.map((sentence) => html`<p>${sentence}</p>`)}${charts.map(chart)}${tables.map(moduleTable)}`;
}

function conservation(m: ReportModel): Html {
  const rows = m.summary.conservation.objects.map((o) => [
    html`<code>${o.obj}</code>`,
    count(o.in),
    count(o.delivered),
    count(o.dropped),
    count(o.inFlight),
    o.ok ? html`<span class="good">✓</span>` : html`<span class="drop">✕</span>`,
  ]);
  const columns = [{ title: 'Object' }, ...['In', 'Delivered', 'Dropped', 'In flight', 'Holds'].map((title) => ({ title, number: true }))];
  return html`<h2>Conservation</h2>
    <div class="panel long">
      <p class="muted">Packets in = delivered + dropped + in flight, for every object.</p>
      ${table(columns, rows)}
    </div>`;
}

function input(m: ReportModel): Html {
  const i = m.input;
  const instant = (ns: string | null) => (ns === null ? '–' : formatEpoch(BigInt(ns)));
  const facts: [string, string][] = [
    ['File', i.file],
    ['SHA-256', i.sha256 ?? 'not computed'],
    ['Format', i.format],
    ['Packets', `${count(i.packets)} (${bytesText(i.capturedBytes)} captured of ${bytesText(i.bytes)})`],
    ['First packet', instant(i.firstNs)],
    ['Last packet', instant(i.lastNs)],
    ['Duration', `${formatSeconds(i.durationNs, m.timeDigits)} s`],
    ['Time stamps', m.timestamps],
    ['Scenario', `${m.scenario.name}, sha256 ${m.scenario.sha256}`],
    ['Seed', String(m.summary.seed)],
    ['Program', `Ringside ${m.program}`],
  ];
  const interfaces = i.interfaces.map((f) => [
    String(f.index),
    f.name,
    f.linkTypeName,
    f.snapLen === 0 ? 'no limit' : count(f.snapLen),
    count(f.packets),
    f.captureDrops === null ? 'not said' : count(f.captureDrops),
  ]);
  const skipped = Object.entries(m.summary.skipped).map(([reason, n]) => [html`<code>${reason}</code>`, count(n)]);
  const found = i.findings.map((f) => [html`<code>${f.reason}</code>`, f.message, count(f.fileOffset)]);
  const columns = [
    { title: '#' },
    { title: 'Interface' },
    { title: 'Link type' },
    { title: 'Snap length', number: true },
    { title: 'Packets', number: true },
    { title: 'Lost in capture', number: true },
  ];
  return html`<h2>Inputs</h2>
    <div class="panel">
      ${table(
        [{ title: 'What' }, { title: 'Value' }],
        facts.map(([k, v]) => [k, html`<span class="mono">${v}</span>`]),
      )}
    </div>
    <div class="panel">${table(columns, interfaces)}</div>
    ${
      skipped.length > 0
        ? html`<h3>Records that could not be replayed</h3>
            <div class="panel">${table([{ title: 'Reason' }, { title: 'Records', number: true }], skipped)}</div>`
        : ''
    }
    ${
      found.length > 0
        ? html`<h3>Noticed while reading</h3>
            <div class="panel long">${table([{ title: 'Reason' }, { title: 'Message' }, { title: 'Offset', number: true }], found)}</div>`
        : ''
    }`;
}

function reproduce(m: ReportModel): Html {
  return html`<h2>The same numbers again</h2>
    <div class="panel">
      <pre>${m.reproduce.command}</pre>
      <p class="muted">Needs: ${m.reproduce.needs.join('; ')}.</p>
    </div>
    <h2>Scenario</h2>
    <div class="panel long"><pre>${m.scenario.yaml}</pre></div>`;
}

function paced(m: ReportModel): Html {
  const p = m.paced;
  if (p === null) return html``;
  const { errorNs } = p;
  return html`<h2>Timing of this replay</h2>
    <div class="panel">
      <p class="muted">Measured on the machine that replayed; differs from run to run and has no influence on the figures above.</p>
      <p>
        Played at ${String(p.speed)} times the original speed (${p.waitStrategy}). ${count(errorNs.packets)} packets were late by
        ${durationText(errorNs.p50)} (median), ${durationText(errorNs.p99)} (99th percentile), ${durationText(errorNs.max)} at most.
        ${count(p.clockJumps)} clock jumps, ${count(p.gapsSkipped)} gaps
        skipped${p.gapsSkipped > 0 ? ` (${durationText(p.gapsSkippedNs)} of the capture)` : ''}.
      </p>
    </div>`;
}

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The whole report. Equal models give equal text, and every text of the input is escaped. */
export function renderHtml(m: ReportModel): string {
  const from = `${instantText(m.timeline.startNs)} to ${instantText(m.summary.endNs)}`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${new Html(POLICY)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="generator" content="Ringside ${m.program}" />
        <title>${m.title}</title>
        <style>
          ${new Html(REPORT_STYLE)}
        </style>
      </head>
      <body>
        <main>
          <header>
            <h1>${m.title}</h1>
            <p class="muted">Ringside report · ${from} on the lab clock · ${m.timestamps}</p>
          </header>
          ${headline(m)}${findings(m)}${timeline(m)}${occupancy(m, false)}${occupancy(m, true)}${drops(m)}${delays(m)}${flows(m)}${protocols(m)}${m.modules.map(moduleSection)}${conservation(m)}${input(m)}${reproduce(m)}${paced(m)}
          <footer>
            Made by Ringside ${m.program}. The same input, scenario and seed give this report again, byte for
            byte${m.paced === null ? '' : ', but for the timing section'}.
          </footer>
        </main>
      </body>
    </html> `;
  return page.text;
}
