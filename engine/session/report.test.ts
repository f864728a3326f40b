import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { reportSchema, type CaptureInfo, type FlowRow, type ReportModel } from '../contract/index.ts';
import { unwrap } from '../base/index.ts';
import { memoryByteSource, openSource } from '../files/index.ts';
import { parseScenario, runToEnd, scenarioSha256 } from '../lab/index.ts';
import { buildReport, renderHtml, renderJson, shellWord, summaryText, type ReportInputs } from './index.ts';

const resources = fileURLToPath(new URL('../../resources/', import.meta.url));

/** A real run of a bundled sample, as the host makes one. */
function inputsOf(sample: string, scenarioId: string): ReportInputs {
  const yaml = readFileSync(`${resources}scenarios/${scenarioId}.yaml`, 'utf8');
  const value = unwrap(parseScenario(yaml));
  const source = unwrap(openSource(memoryByteSource(new Uint8Array(readFileSync(`${resources}samples/${sample}`))), sample));
  const run = runToEnd(source, value, { scenarioSha256: scenarioSha256(value), series: { bins: 512 } });
  const { summary } = run;
  const capture: CaptureInfo = {
    file: `/home/somebody/${sample}`,
    format: 'pcapng',
    packets: summary.packets,
    bytes: summary.bytes,
    capturedBytes: summary.bytes,
    interfaces: [
      {
        index: 0,
        name: 'wwan0',
        description: '',
        linkType: 1,
        linkTypeName: 'Ethernet',
        snapLen: 96,
        resolution: '1000000000',
        packets: summary.packets,
        captureDrops: null,
      },
    ],
    firstNs: source.epochNs.toString(),
    lastNs: (source.epochNs + BigInt(summary.durationNs)).toString(),
    durationNs: summary.durationNs,
    skipped: {},
    findings: [],
    comments: [],
    sha256: 'ab'.repeat(32),
    error: null,
  };
  const bins = 64;
  return {
    program: '0.1.0',
    capture,
    timestamps: 'file, nanoseconds',
    timeDigits: 9,
    scenario: { yaml, value, bundled: scenarioId },
    summary,
    series: run.series!,
    timeline: {
      startNs: 0,
      binNs: summary.durationNs / bins,
      bins,
      packets: Uint32Array.from({ length: bins }, (_, i) => i),
      bytes: new Float64Array(bins),
      drops: new Uint32Array(bins).fill(1, 3, 5),
    },
    flows: { total: run.flows.count, rows: run.flows.rows(run.flows.sorted('bytes', true), 0, 30) },
    protocols: [
      { protocol: 'UDP', packets: 1_000, bytes: 50_000 },
      { protocol: 'TCP', packets: 5_000, bytes: 1_000_000 },
    ],
    modules: { bursts: null, regulation: null, offloads: null, stack: null, translators: null, multicast: null },
  };
}

const small = inputsOf('burst-lte.pcapng', 'small-rings');

describe('the report of a run', () => {
  test('is equal for a run made twice, in both forms, and follows its schema', () => {
    const again = inputsOf('burst-lte.pcapng', 'small-rings');
    const a = buildReport(small);
    const b = buildReport(again);
    expect(renderJson(b)).toBe(renderJson(a));
    expect(renderHtml(b)).toBe(renderHtml(a));
    expect(reportSchema.parse(JSON.parse(renderJson(a)))).toEqual(a);
  });

  test('says in words what was lost, where, and what to change', () => {
    const m = buildReport(small);
    const total = Object.values(m.summary.drops).reduce((n, d) => n + d, 0);
    expect(total).toBeGreaterThan(100);
    expect(m.findings[0]?.text).toMatch(/^[\d,]+ packets of 6,309 dropped \(\d/);
    const device = m.findings.find((f) => f.objects.includes('device.rx.0'));
    expect(device?.text).toMatch(/^Device RX ring of 2 queues was full in \d+ episodes: \d+ packets dropped \(device_rx_full\)/);
    expect(device?.advice).toContain('Raise device.rxRingSlots above 64');
    expect(device?.parameters).toContain('device.moderationUs');
    const told = m.findings.flatMap((f) => /: ([\d,]+) packets dropped/.exec(f.text)?.[1] ?? []);
    expect(told.map((t) => Number(t.replaceAll(',', ''))).reduce((a, b) => a + b, 0)).toBe(total);
    expect(m.drops.map((d) => d.packets).reduce((a, b) => a + b, 0)).toBe(total);
    expect(m.protocols[0]?.protocol).toBe('TCP');
    expect(m.flows.rows.length).toBe(25);
    expect(m.series.objects[0]!.max.length).toBeLessThanOrEqual(512);
  });

  test('the scenarios made to lose packets do, where they say they do', () => {
    const slow = inputsOf('burst-lte.pcapng', 'slow-reader').summary;
    expect(Object.keys(slow.drops)).toEqual(['RxDstRingFull']);
    expect(slow.rings.filter((r) => r.drops > 0).map((r) => r.port)).toEqual(['ch3']);
    const both = inputsOf('mixed-lan.pcapng', 'both-directions').summary;
    expect(both.rings.filter((r) => r.kind === 'tx' && r.enqueued > 0).length).toBeGreaterThan(2);
    for (const scenario of ['default', 'single-queue', 'wide-open'])
      expect(inputsOf('burst-lte.pcapng', scenario).summary.drops).toEqual({});
  });

  test('a run without loss says so; broken conservation comes first and loud', () => {
    const good = buildReport(inputsOf('microbursts.pcap', 'wide-open'));
    expect(good.findings[0]).toMatchObject({ tone: 'good' });
    expect(renderHtml(good)).toContain('No packet was dropped');
    const { summary } = small;
    const conservation = { ok: false, objects: [{ obj: 'ch3', in: 5, delivered: 3, dropped: 1, inFlight: 0, ok: false }] };
    const broken = buildReport({ ...small, summary: { ...summary, conservation } });
    expect(broken.findings[0]?.text).toMatch(/^Conservation does not hold at ch3/);
    expect(summaryText(broken.summary, { name: 'x', colour: false })).toContain('✕ packets not conserved');
  });

  test('names files without their folders and gives a command that can be pasted', () => {
    const m = buildReport(small);
    expect(m.reproduce.command).toBe('ringside replay burst-lte.pcapng --scenario small-rings --report report.html');
    expect(renderJson(m) + renderHtml(m)).not.toContain('somebody');
    const { bundled, ...own } = small.scenario;
    expect(bundled).toBe('small-rings');
    const odd = buildReport({ ...small, scenario: own, capture: { ...small.capture, file: "C:\\x\\it's $(here).pcap" } });
    expect(odd.reproduce.command).toBe(`ringside replay 'it'\\''s $(here).pcap' --scenario scenario.yaml --report report.html`);
    expect(odd.reproduce.needs.at(-1)).toMatch(/scenario text of this report/);
    expect(['-x', 'a b', 'a'].map(shellWord)).toEqual(["'./-x'", "'a b'", 'a']);
  });

  test('timing of a paced replay stands apart and changes nothing else', () => {
    const figures = { p50: 41_000, p99: 120_000, max: 2_000_000, packets: 6_309 };
    const paced = buildReport({
      ...small,
      paced: { speed: 2, waitStrategy: 'timer', errorNs: figures, clockJumps: 0, gapsSkipped: 2, gapsSkippedNs: 3e9 },
    });
    const plain = buildReport(small);
    expect(paced.reproduce.command).toContain(' --speed 2 --skip-gaps --report');
    expect({ ...paced, paced: null, reproduce: plain.reproduce }).toEqual(plain);
    expect(renderHtml(paced)).toContain('41 µs');
    expect(renderHtml(buildReport(small))).not.toContain('Timing of this replay');
  });
});

describe('HTML', () => {
  test('has no script, loads nothing, forbids both, and shows every part', () => {
    const text = renderHtml(buildReport(small));
    expect(text).not.toMatch(/<script|<link|<img|<iframe|\son\w+=|url\(|@import|https?:/i);
    expect(text).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`);
    for (const title of [
      'Findings',
      'Timeline',
      'Rings',
      'Packet pools',
      'Drops by reason',
      'Ports and delay',
      'Largest flows',
      'Protocols',
      'Conservation',
      'Inputs',
      'Scenario',
    ]) {
      expect(text).toContain(`<h2>${title}</h2>`);
    }
    expect(text).toContain('prefers-color-scheme:dark');
    expect(text).toContain('@page{size:A4');
    expect(text).not.toContain('NaN');
    expect(text).not.toContain('undefined');
    const open = (name: string) => text.split(`<${name}`).length;
    const close = (name: string) => text.split(`</${name}>`).length;
    for (const name of ['div', 'table', 'tr', 'td', 'svg', 'ul', 'li', 'p', 'main']) {
      expect(text.match(new RegExp(`<${name}[ >]`, 'g'))?.length ?? 0).toBe(close(name) - 1);
    }
    expect(open('html')).toBe(2);
  });

  test('hostile names in every field stay text', () => {
    const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'&\u0000\u001b[31m\u202e</style></title>]]>`;
    const poison = (value: unknown, key = ''): unknown => {
      if (typeof value === 'string') return key === 'firstNs' || key === 'lastNs' ? value : evil;
      if (Array.isArray(value)) return value.slice(0, 3).map((v) => poison(v));
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, poison(v, k)]));
    };
    const m = buildReport(small);
    const flow: FlowRow = m.flows.rows[0]!;
    const model = poison({
      ...m,
      flows: { total: 1, rows: [flow] },
      input: { ...m.input, findings: [{ reason: 'x', fileOffset: 1, message: 'x' }] },
    }) as ReportModel;
    model.summary.skipped = { [evil]: 3 };
    for (const f of model.findings) f.tone = 'bad';
    const text = renderHtml(model);
    expect(text).not.toMatch(/<script|<img|onerror=alert\(1\)>/i);
    expect(text.match(/<\/style>/g)).toHaveLength(1);
    expect(text.match(/<\/title>/g)).toHaveLength(1);
    for (const c of ['\u0000', '\u001b', '\u202e']) expect(text).not.toContain(c);
    expect(text).toContain('&lt;script&gt;alert(1)');
  });
});

describe('the summary on a terminal', () => {
  test('fits one screen, lines up, and has colours only when asked', () => {
    const m = buildReport(small);
    const plain = summaryText(m.summary, { name: 'burst-lte.pcapng', colour: false, columns: 100, findings: m.findings });
    expect(plain).not.toContain('\u001b');
    const lines = plain.split('\n');
    expect(lines.length).toBeLessThan(45);
    const bars = lines.filter((l) => l.includes('█'));
    expect(bars.length).toBeGreaterThan(5);
    expect(new Set(bars.map((l) => l.search(/[█▏▎▍▌▋▊▉░]/))).size).toBe(1);
    expect(new Set(bars.map((l) => l.indexOf(' of '))).size).toBe(1);
    expect(plain).toMatch(/✕ [\d,]+ dropped \(\d+\.\d %\): device RX ring full \(device_rx_full\)/);
    expect(plain).toContain('✓ packets conserved');
    const coloured = summaryText(m.summary, { name: 'burst-lte.pcapng', colour: true, columns: 100, findings: m.findings });
    const escape = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]+m`, 'g');
    expect(coloured.replace(escape, '')).toBe(plain);
    expect(coloured).not.toBe(plain);
  });

  test('a file name cannot speak to the terminal', () => {
    const text = summaryText(small.summary, { name: '\u001b]0;owned\u0007.pcap', colour: false });
    for (const c of ['\u001b', '\u0007']) expect(text).not.toContain(c);
  });
});
