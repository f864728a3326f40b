import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { captureInfoSchema, packetRowSchema, reportSchema, runSummarySchema, type SendersOutcome } from '../contract/index.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const cli = join(root, 'dist/cli.js');
const sample = join(root, 'resources/samples/burst-lte.pcapng');
const mixed = join(root, 'resources/samples/mixed-lan.pcapng');
const built = existsSync(cli);

let folder: string;
let temp: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-test-cli-'));
  // The command's temporary files go to a folder of their own, so that what it leaves behind is seen.
  temp = mkdtempSync(join(folder, 'temp-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Resolves when standard output or error holds a text. */
  seen(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

function run(...args: string[]): Running {
  const env = { ...process.env, TMPDIR: temp, XDG_CONFIG_HOME: join(folder, 'config'), RINGSIDE_URL: undefined, RINGSIDE_TOKEN: undefined };
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder, env });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  return {
    pid: child.pid ?? 0,
    ended: new Promise((done) => {
      child.on('close', (code) => {
        done({ code, out, err });
      });
    }),
    seen: (text) => expect.poll(() => out + err, { timeout: 30_000 }).toContain(text),
    kill: (signal) => {
      child.kill(signal);
    },
  };
}
const ringside = (...args: string[]): Promise<Ended> => run(...args).ended;
const lines = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
const parts = (): string[] => readdirSync(folder).filter((name) => name.includes('.part'));

describe.runIf(built)('wrong usage', () => {
  test.each([
    [[], 2, 'Usage: ringside'],
    [['packts'], 2, 'Did you mean packets?'],
    [['info', '--josn'], 2, 'Did you mean --json?'],
    [['replay'], 2, 'name a capture file'],
    [['info'], 2, 'name a capture file'],
    [['generate', 'x.yaml'], 2, '--output'],
    [['replay', 'x', '--speed', 'fast'], 2, 'factor of capture time'],
    [['replay', 'x', '--lanes', '99'], 2, 'from 1 to 16'],
    [['replay', 'x', '--skip-gaps'], 2, '--speed N'],
    [['replay', sample, '--report', 'r.docx'], 2, '.html, .json or .pdf'],
    [['replay', sample, '--report', 'r.html', '--report', 'r.html'], 2, 'the same file twice'],
    [['replay', sample, '--trace', 'a.jsonl', '--trace', 'b.jsonl'], 2, 'a.jsonl is named already'],
    [['senders', '--window', '10'], 2, '--window must be at least 1,000, not 10'],
    [['senders', '--seconds', '600', '--rate', '1G'], 2, 'more than 2,000,000 segments'],
    [['senders', '--algorithm', 'vegas'], 2, 'reno, cubic'],
    [['senders', '--set', 'ports.host.meter.intervalUs=1'], 2, 'at least 10'],
    [['replay', sample, '--set', 'nothing'], 2, 'path=value'],
    [['packets', sample, '--fields', 'a b'], 2, 'names with commas'],
    [['schema', 'nothing'], 2, 'scenario'],
    [['burst'], 2, 'name a capture file'],
    [['burst', sample, '--rate', 'fast'], 2, 'such as 10M'],
    [['burst', sample, '--cbs', '64KiB'], 2, '--cbs needs --rate'],
    [['burst', sample, '--rate', '1M', '--cbs', '64k', '--pir', '2M'], 2, 'both --pir and --pbs'],
    [['burst', sample, '--rate', '1M', '--cbs', '0'], 2, '--cbs or --ebs is more than 0'],
    [['burst', sample, '--rate', '1M', '--cbs', '1k', '--pir', '2M', '--pbs', '0'], 2, '--cbs and --pbs are more than 0'],
    [['burst', sample, '--scale', '1ms,soon'], 2, 'soon is no time'],
    [['burst', 'nothere.pcap'], 1, 'There is no such file'],
    [['replay', 'nothere.pcap'], 1, 'There is no such file'],
    [['replay', sample, '--scenario', 'nothere'], 1, 'small-rings'],
    [['replay', sample, '--set', 'device.rxRingSlot=4'], 2, 'rxRingSlot'],
    [['replay', sample, '--set', 'device.rxRingSlots=many'], 2, '--set device.rxRingSlots=many: device.rxRingSlots must be a number'],
    [['packets', sample, '--fields', 'ip.scr'], 2, 'Did you mean ip.src?'],
    [['packets', sample, '--explain', '99999999'], 1, 'There is no packet'],
    [['session'], 1, 'belongs to no Ringside window'],
    [['info', '.'], 1, ''],
  ])('%j ends with %i and says why', async (args, code, text) => {
    const ended = await ringside(...args);
    expect(ended.code).toBe(code);
    expect(ended.out + ended.err).toContain(text);
    if (code === 1 && text !== '') expect(ended.out).toBe('');
  });

  test('a folder where a scenario should be is said once', async () => {
    const { code, err } = await ringside('replay', sample, '-s', folder);
    expect(code).toBe(1);
    expect(err).toBe(`ringside: ${folder}: This is a folder, not a file.\n`);
  });

  test('every command explains itself with examples', async () => {
    const { out } = await ringside('--help');
    for (const command of ['info', 'replay', 'packets', 'serve', 'interfaces', 'capture', 'generate', 'schema', 'scenarios']) {
      expect(out).toContain(`\n  ${command} `);
      const help = await ringside(command, '--help');
      expect(help.code).toBe(0);
      expect(help.out).toContain('--json');
    }
    expect((await ringside('--version')).out.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

describe.runIf(built)('serve', () => {
  test('a host that was killed leaves folders, and the next start removes them', async () => {
    const left = (): string[] => readdirSync(temp).filter((name) => name.startsWith('ringside-'));
    const packed = join(folder, 'swept.pcapng.gz');
    writeFileSync(packed, gzipSync(readFileSync(sample)));
    const killed = run('replay', packed, '--speed', '0.01', '--json');
    await expect.poll(left, { timeout: 30_000 }).not.toEqual([]);
    killed.kill('SIGKILL');
    await killed.ended;
    expect(left()).not.toEqual([]);
    const served = run('serve', '--json');
    await served.seen('"url"');
    expect(left()).toEqual([]);
    served.kill('SIGTERM');
    await served.ended;
  });
});

describe.runIf(built)('info', () => {
  test('prints one JSON object a line, goes on after a bad file, and fails in the end', async () => {
    writeFileSync(join(folder, 'text.pcap'), 'this is no capture, whatever its name says');
    writeFileSync(join(folder, 'mixed.bin'), gzipSync(readFileSync(mixed)));
    const { code, out } = await ringside('info', '--json', sample, 'text.pcap', 'nothere', 'mixed.bin', '--sha256');
    expect(code).toBe(1);
    const infos = lines(out).map((line) => captureInfoSchema.parse(line));
    expect(infos.map(({ file }) => file)).toEqual([sample, 'text.pcap', 'nothere', 'mixed.bin']);
    expect(infos.map(({ error }) => error === null)).toEqual([true, false, false, true]);
    expect(infos[0]).toMatchObject({ format: 'pcapng', skipped: {} });
    expect(infos[0]!.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(infos[3]!.format).toBe('pcapng (gzip)');
    expect(BigInt(infos[0]!.lastNs!) - BigInt(infos[0]!.firstNs!)).toBe(BigInt(infos[0]!.durationNs));
    expect(readdirSync(temp)).toEqual([]);
  });

  test('names what a cut file has lost', async () => {
    writeFileSync(join(folder, 'cut.pcapng'), readFileSync(sample).subarray(0, 100_001));
    const { code, out } = await ringside('info', 'cut.pcapng');
    expect(code).toBe(0);
    expect(out).toMatch(/offset \d+: /);
  });
});

describe.runIf(built)('replay', () => {
  test('ends with one deterministic JSON object, whatever the lanes and the batch', async () => {
    const outs = new Set<string>();
    for (const more of [[], ['--lanes', '1'], ['--lanes', '2'], ['--lanes', '4'], ['--batch', '3'], []]) {
      const { code, out } = await ringside('replay', sample, '-s', 'small-rings', '--json', ...more);
      expect(code).toBe(0);
      outs.add(out);
    }
    expect(outs.size).toBe(1);
    const all = lines([...outs][0]!);
    expect(all).toHaveLength(1);
    const summary = runSummarySchema.parse(all[0]);
    expect(summary.conservation.ok).toBe(true);
    expect(summary.packets).toBeGreaterThan(0);
    expect(Object.values(summary.drops).reduce((a, b) => a + b, 0)).toBeGreaterThan(0);
  });

  test('a changed parameter or seed changes the scenario that the summary names', async () => {
    const shas = new Set<string>();
    for (const more of [
      [],
      ['--set', 'device.rxRingSlots=2048'],
      ['--seed', '9'],
      ['--set', 'device.rxRingSlots=2048', '--set', 'device.queues=1'],
    ]) {
      const { out } = await ringside('replay', sample, '--json', ...more);
      shas.add(runSummarySchema.parse(lines(out)[0]).scenario.sha256);
    }
    expect(shas.size).toBe(4);
  });

  test('a timed replay says how late packets were, before the same summary', async () => {
    const { out } = await ringside('replay', sample, '--speed', '20', '--json');
    const [first, last] = lines(out);
    expect(first).toMatchObject({ paced: { speed: 20, errorNs: { packets: runSummarySchema.parse(last).packets } } });
    expect(out.trimEnd().split('\n').at(-1)).toBe((await ringside('replay', sample, '--json')).out.trimEnd());
  });

  test('a timed replay skips long gaps when asked', async () => {
    const gaps = join(folder, 'gaps.pcap');
    const spec = join(folder, 'gaps.yaml');
    writeFileSync(spec, 'name: gaps\nseed: 1\ndurationS: 400\npackets: 3\nstreams: [{ kind: imix, flows: 1, ratePps: 0.02 }]\n');
    expect((await ringside('generate', spec, '-o', gaps)).code).toBe(0);
    const { out } = await ringside('replay', gaps, '--speed', '10', '--skip-gaps', '--json');
    expect(lines(out)[0]).toMatchObject({ paced: { speed: 10, gapsSkipped: 1 } });
    const text = await ringside('replay', gaps, '--speed', '10', '--skip-gaps');
    expect(text.out).toMatch(/gaps skipped: 1, together \d/);
  });

  test('writes reports that are the same every time and whose command gives the same figures', async () => {
    const { code } = await ringside('replay', sample, '-s', 'small-rings', '--report', 'a.json');
    expect(code).toBe(0);
    await ringside('replay', sample, '-s', 'small-rings', '--report', 'b.json', '--report', 'b.html', '--lanes', '2');
    expect(readFileSync(join(folder, 'b.html'), 'utf8')).toContain('burst-lte.pcapng');
    const text = readFileSync(join(folder, 'a.json'), 'utf8');
    expect(readFileSync(join(folder, 'b.json'), 'utf8')).toBe(text);
    const report = reportSchema.parse(JSON.parse(text));
    expect(report.reproduce.command).toContain('--scenario small-rings');
    const plain = await ringside('replay', sample, '-s', 'small-rings', '--json');
    expect(runSummarySchema.parse(lines(plain.out)[0])).toEqual(report.summary);
    expect((await ringside('replay', sample, '--report', join(folder, 'no/such/folder.html'))).code).toBe(1);
    expect(parts()).toEqual([]);
  });

  test('writes the trace in the order of time', async () => {
    await ringside('replay', mixed, '--trace', 'trace.jsonl');
    const records = lines(readFileSync(join(folder, 'trace.jsonl'), 'utf8')) as { tNs: number; event: string }[];
    expect(records.length).toBeGreaterThan(1_000);
    expect(records.every(({ tNs }, i) => i === 0 || tNs >= records[i - 1]!.tNs)).toBe(true);
    expect(new Set(records.map(({ event }) => event))).toContain('lookup');
  });
});

describe.runIf(built)('packets', () => {
  test('lists rows, chosen fields, and one packet with its tree', async () => {
    const rows = lines((await ringside('packets', mixed, '--from', '10', '--count', '20', '--json')).out).map((line) =>
      packetRowSchema.parse(line),
    );
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, i) => i + 10));
    const fields = (await ringside('packets', mixed, '--count', '50', '--fields', 'frame.number,ip.src,udp.port')).out
      .trimEnd()
      .split('\n');
    expect(fields.map((line) => line.split('\t')[0])).toEqual(Array.from({ length: 50 }, (_, i) => String(i + 1)));
    expect(fields[0]).toMatch(/^1\t\d+\.\d+\.\d+\.\d+\t\d+,\d+$/);
    const absent = await ringside('packets', mixed, '--count', '1', '--fields', 'frame.number,pim.type,sip.Via');
    expect(absent).toMatchObject({ code: 0, out: '1\t\t\n' });
    expect(absent.err).toContain('No packet has the field pim.type.');
    const { out } = await ringside('packets', mixed, '--explain', '12');
    expect(out).toContain('Packet 12');
    expect(out).toMatch(/\n {2}0000 {2}([0-9a-f]{2} ){16}/);
  });

  test('a reader that goes away is no error', async () => {
    const child = spawn('/bin/sh', ['-c', '"$0" "$1" packets "$2" | head -n 2', process.execPath, cli, sample]);
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    await new Promise((done) => child.on('close', done));
    expect(out.trimEnd().split('\n')).toHaveLength(2);
    expect(err).toBe('');
  });
});

describe.runIf(built)('burst', () => {
  test('says in words and in JSON what a queue needs, and what passes', async () => {
    const args = ['burst', sample, '--rate', '50M', '--cbs', '64KiB', '--ebs', '32k', '--top', '2', '--flow'];
    const [text, json] = await Promise.all([ringside(...args), ringside(...args, '--json')]);
    expect(text).toMatchObject({ code: 0, err: '' });
    const [whole, ...flows] = lines(json.out) as [Record<string, unknown>, ...Record<string, unknown>[]];
    expect(flows).toHaveLength(2);
    const need = (whole['queue'] as { bufferBytes: number }).bufferBytes;
    expect(whole).toMatchObject({ file: sample, flow: null, conformance: { smallestCommittedBytes: need } });
    expect(text.out).toContain(`buffer needed   ${need.toLocaleString('en-US')} B`);
    expect(text.out).toContain('RFC 2697, CIR 50 Mb/s, CBS 65,536 B, EBS 32,000 B, color-blind');

    const enough = await ringside('burst', sample, '--rate', '50M', '--cbs', String(need), '--json');
    const less = await ringside('burst', sample, '--rate', '50M', '--cbs', String(need - 1), '--json');
    expect(lines(enough.out)[0]).toMatchObject({ conformance: { red: { packets: 0 } } });
    expect(lines(less.out)[0]).toMatchObject({ conformance: { red: { packets: 1 } } });
  });

  test('a bad file does not stop the others', async () => {
    const bad = join(folder, 'no-capture.pcap');
    writeFileSync(bad, 'no capture');
    const ended = await ringside('burst', bad, sample, '--json');
    expect(ended.code).toBe(1);
    expect(ended.err).toContain('no-capture.pcap');
    expect(lines(ended.out)).toMatchObject([{ file: sample, packets: 6_309 }]);
  });
});

describe.runIf(built)('senders', () => {
  test('react to the meter: a parameter of the path, of the senders and of the host each change what gets through', async () => {
    interface Answer {
      readonly scenario: string;
      readonly off: SendersOutcome;
      readonly on: SendersOutcome;
    }
    const ask = async (...args: string[]): Promise<Answer> => {
      const { out, code } = await ringside('senders', '--seconds', '2', '--json', ...args);
      expect(code).toBe(0);
      return lines(out)[0] as Answer;
    };
    const [plain, again, roomy, slow] = await Promise.all([
      ask(),
      ask(),
      ask('--set', 'ports.host.sockets.rcvbufBytes=4194304'),
      ask('--algorithm', 'reno', '--flows', '3', '--rate', '10M', '--grant', '0', '--rtt', '20ms'),
    ]);
    expect(again).toEqual(plain);
    expect(plain.scenario).toBe('burst-closed-loop');
    expect(plain.on.goodputBps).toBeGreaterThan(1.5 * plain.off.goodputBps);
    expect(plain.off.losses['sock_full_drop']).toBeGreaterThan(0);
    // With room for the whole window nothing is lost at the host, meter or not.
    expect(roomy.off.losses['sock_full_drop']).toBeUndefined();
    expect(slow.on.rttMs.base).toBe(20);
    expect(slow.on.goodputBps).toBeLessThan(10e6);
    const text = await ringside('senders', '--seconds', '2');
    expect(text.out).toContain('meter off');
    expect(text.out).toMatch(/goodput +[\d.]+ [kM]b\/s +[\d.]+ Mb\/s/);
  });
});

describe.runIf(built)('generate, schema, scenarios', () => {
  const spec = 'name: tiny\nseed: 3\nformat: pcap\npackets: 500\nstreams:\n  - { kind: imix, flows: 10, ratePps: 100000 }\n';

  test('the same description gives the same bytes, another seed gives others', async () => {
    writeFileSync(join(folder, 'tiny.yaml'), spec);
    for (const [name, more] of [
      ['a', []],
      ['b', []],
      ['c', ['--seed', '4']],
    ] as const) {
      const made = await ringside('generate', 'tiny.yaml', '-o', `${name}.pcap`, '--json', ...more);
      expect(lines(made.out)[0]).toMatchObject({ packets: 500 });
    }
    const [a, b, c] = ['a', 'b', 'c'].map((name) => readFileSync(join(folder, `${name}.pcap`)));
    expect(a!.equals(b!)).toBe(true);
    expect(a!.equals(c!)).toBe(false);
    expect(captureInfoSchema.parse(lines((await ringside('info', '--json', 'a.pcap')).out)[0]).packets).toBe(500);
  });

  test('a bad description is refused with its line', async () => {
    writeFileSync(join(folder, 'bad.yaml'), 'name: bad\nstreams:\n  - { kind: imixx }\n');
    const { code, err } = await ringside('generate', 'bad.yaml', '-o', 'bad.pcap');
    expect(code).toBe(1);
    expect(err).toContain('bad.yaml:3');
    expect(existsSync(join(folder, 'bad.pcap'))).toBe(false);
  });

  test('schemas are JSON Schema, scenarios are texts that replay takes', async () => {
    for (const name of ['scenario', 'generator', 'summary', 'info']) {
      expect(JSON.parse((await ringside('schema', name)).out)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
    }
    const { out } = await ringside('scenarios', 'single-queue');
    writeFileSync(join(folder, 'mine.yaml'), out);
    const given = runSummarySchema.parse(lines((await ringside('replay', mixed, '-s', 'mine.yaml', '--json')).out)[0]);
    const bundled = runSummarySchema.parse(lines((await ringside('replay', mixed, '-s', 'single-queue', '--json')).out)[0]);
    expect(given).toEqual(bundled);
  });
});

describe.runIf(built)('an interrupted command', () => {
  test('a generator that is stopped leaves no file, finished or not', async () => {
    writeFileSync(
      join(folder, 'long.yaml'),
      'name: long\ndurationS: 100000\npackets: 50000000\nstreams:\n  - { kind: imix, flows: 10, ratePps: 1000000 }\n',
    );
    const running = run('generate', 'long.yaml', '-o', 'long.pcap', '--json');
    await running.seen('"progress"');
    expect(parts()).toHaveLength(1);
    running.kill('SIGINT');
    expect((await running.ended).code).toBe(1);
    expect(parts()).toEqual([]);
    expect(existsSync(join(folder, 'long.pcap'))).toBe(false);
  });

  test('a replay of a compressed capture that is stopped leaves no temporary file', async () => {
    writeFileSync(join(folder, 'sample.pcapng.gz'), gzipSync(readFileSync(sample)));
    const running = run('replay', 'sample.pcapng.gz', '--speed', '0.01', '--json');
    await expect.poll(() => readdirSync(temp).length, { timeout: 30_000 }).toBe(1);
    await running.seen('"progress"');
    running.kill('SIGTERM');
    expect((await running.ended).code).toBe(1);
    expect(readdirSync(temp)).toEqual([]);
  });

  test('serve prints its address, answers there, and ends with Ctrl+C', async () => {
    const running = run('serve', sample, '--json');
    await running.seen('"url"');
    running.kill('SIGINT');
    const { code, out } = await running.ended;
    expect(code).toBe(0);
    const { url } = lines(out)[0] as { url: string };
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32}$/);
    await expect(fetch(url)).rejects.toThrow();
    expect(readdirSync(temp)).toEqual([]);
  });
});

if (!built) test.skip('the command line: dist/cli.js is missing: npm run build');
