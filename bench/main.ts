/**
 * Benchmarks beside the peers: the same capture, in turn, in one run, as ratios. Run through `npm run bench`.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';
import { compare, runOnce, which, type Comparison } from './measure.ts';
import { copySumRows, ranAsProducer, ringRates } from './kernels.ts';
import { meteringRows } from './metering.ts';
import { multicastCase, multicastFigures, multicastRows } from './multicast.ts';
import { engineMemory, indexMemory } from './memory.ts';
import { whatIfTimes } from './what-if.ts';
import { windowMemory } from './window-memory.ts';
import { liveRows, TAYGA_NOTE, taygaRows } from './tayga.ts';
import { searchRows } from './session-search.ts';
import { memoryCase, memoryRates, translationRows } from './translation-memory.ts';
import { CAPTURES, ROWS, type Capture, type CaptureName, type Row } from './rows.ts';

const dist = dirname(fileURLToPath(import.meta.url));
const root = resolve(dist, '..');

const HELP = `npm run bench [-- OPTIONS]

Generates its captures once, then runs Ringside and its peers in turn on the same file.

  --rounds N      pairs of runs for each row (5)
  --only WORD     rows whose id contains WORD; may be given more than once
  --quick         the captures of 1 M packets only
  --folder DIR    where the captures are kept (build/bench)
  --json FILE     where the figures are written (test-results/bench.json)
  --fuzz N        dissect N mutated real packets instead (--seed S); none may fail
  --window FILE   peak memory of a host that has FILE open as a window has
  --frames FILE   frame times, longest task and replay error of a window that replays FILE, in Chromium, as JSON
  --what-if FILE  what the Bursts panel waits for when a parameter changes, as JSON
  --multicast CASE   one case of the rows of that name, as JSON: joins (node --expose-gc dist/bench.js), network, or such as v4,translate,100
  --translate-memory MODE,SESSIONS,BYTES   one case of the row of that name, as JSON
  --list          name the rows and their goals, run nothing`;

interface Outcome {
  readonly id: string;
  readonly title: string;
  readonly atLeast: number;
  readonly aim: number;
  readonly unit: string;
  readonly comparison?: Comparison;
  readonly value?: number;
  readonly higherIsBetter?: boolean;
  readonly skipped?: string;
}

async function ensureCapture(name: CaptureName, folder: string): Promise<string> {
  const path = join(folder, `${name}.pcap`);
  if (existsSync(path)) return path;
  const { flows, packets, ratePps }: Capture = CAPTURES[name];
  console.log(`making ${name}: ${packets.toLocaleString('en')} packets, ${flows.toLocaleString('en')} flows`);
  mkdirSync(folder, { recursive: true });
  const spec = join(folder, `${name}.yaml`);
  writeFileSync(
    spec,
    `name: ${name}\nseed: 1\nformat: pcap\ndurationS: 1000\nstreams:\n  - kind: imix\n    flows: ${flows}\n    packets: ${packets}\n    ratePps: ${ratePps ?? 400_000}\n    v6Share: 0\n`,
  );
  const partial = `${path}.part.pcap`;
  const run = await runOnce({
    label: 'generate',
    program: process.execPath,
    args: [join(dist, 'cli.js'), 'generate', spec, '-o', partial],
  });
  if (run.code !== 0) throw new Error(`generate failed: ${run.stderr.slice(-800)}`);
  renameSync(partial, path);
  return path;
}

async function runRow(row: Row, file: string, rounds: number): Promise<Outcome> {
  const { id, title, atLeast, aim } = row;
  const base = { id, title, atLeast, aim, unit: 'x' };
  const scratch = mkdtempSync(join(tmpdir(), 'ringside-bench-'));
  try {
    const peer = row.peer(file, scratch);
    if (peer === undefined) return { ...base, skipped: `not installed: ${row.needs}` };
    return { ...base, comparison: await compare(row.ours(file, scratch), peer, rounds) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function verdict(value: number, outcome: Outcome, lowerIsBetter: boolean): string {
  const reaches = (goal: number): boolean => (lowerIsBetter ? value <= goal : value >= goal);
  return reaches(outcome.aim) ? 'aim' : reaches(outcome.atLeast) ? 'least' : 'MISSED';
}

function print(outcome: Outcome): void {
  const goal = `least ${outcome.atLeast} aim ${outcome.aim}`;
  if (outcome.skipped !== undefined) {
    console.log(`${outcome.title.padEnd(62)} skipped: ${outcome.skipped}`);
  } else if (outcome.comparison !== undefined) {
    const { ratio, ours, peer } = outcome.comparison;
    console.log(
      `${outcome.title.padEnd(62)} ${ratio.median.toFixed(2).padStart(7)}x (${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)})` +
        `  ours ${ours.median.toFixed(3)} s  peer ${peer.median.toFixed(3)} s  ${goal}  ${verdict(ratio.median, outcome, false)}`,
    );
  } else if (outcome.value !== undefined) {
    console.log(
      `${outcome.title.padEnd(62)} ${outcome.value.toFixed(1).padStart(7)} ${outcome.unit}  ${goal}  ${verdict(outcome.value, outcome, outcome.higherIsBetter !== true)}`,
    );
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      only: { type: 'string', multiple: true },
      quick: { type: 'boolean', default: false },
      folder: { type: 'string', default: join(root, 'build', 'bench') },
      json: { type: 'string', default: join(root, 'test-results', 'bench.json') },
      list: { type: 'boolean', default: false },
      window: { type: 'string' },
      frames: { type: 'string' },
      'what-if': { type: 'string' },
      fuzz: { type: 'string' },
      multicast: { type: 'string' },
      'translate-memory': { type: 'string' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (values.window !== undefined) {
    console.log(JSON.stringify(await windowMemory(values.window)));
    return;
  }
  if (values.frames !== undefined) {
    const { frameFigures } = await import('../e2e/frames.ts');
    console.log(JSON.stringify(await frameFigures(values.frames, Number(values.rounds))));
    return;
  }
  if (values['what-if'] !== undefined) {
    console.log(JSON.stringify(await whatIfTimes(values['what-if'], Number(values.rounds))));
    return;
  }
  if (values['translate-memory'] !== undefined) {
    console.log(JSON.stringify(memoryRates(memoryCase(values['translate-memory']), Number(values.rounds))));
    return;
  }
  if (values.multicast !== undefined) {
    console.log(JSON.stringify(multicastFigures(multicastCase(values.multicast), Number(values.rounds))));
    return;
  }
  if (values.fuzz !== undefined) {
    const report = fuzz(Number(values.fuzz), Number(values.seed));
    console.log(JSON.stringify(report));
    if (report.bugs > 0) process.exitCode = 1;
    return;
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) throw new Error('--rounds takes a whole number from 1 to 100');
  const wanted = ROWS.filter(
    (row) =>
      (values.only === undefined || values.only.some((word) => row.id.includes(word))) && !(values.quick && row.capture.endsWith('5m')),
  );
  if (values.list) {
    for (const row of wanted) console.log(`${row.id.padEnd(22)} least ${row.atLeast} aim ${row.aim}  ${row.title}`);
    return;
  }
  console.log(
    `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.versions.node}, ${rounds} rounds`,
  );
  if (which('time') === undefined) console.log('GNU time is not installed: no memory figures of whole processes');

  const outcomes: Outcome[] = [];
  const record = (outcome: Outcome): void => {
    outcomes.push(outcome);
    print(outcome);
  };
  for (const row of wanted) record(await runRow(row, await ensureCapture(row.capture, values.folder), rounds));
  const asked = (...ids: readonly string[]): boolean =>
    values.only === undefined || values.only.some((word) => ids.some((id) => id.includes(word)));
  if (asked('what-if')) {
    const { first, whole, closer, parameters } = await whatIfTimes(await ensureCapture('minute-100k', values.folder), rounds);
    const base = { atLeast: 1_000, aim: 300, unit: 'ms' };
    const title = 'Bursts panel, 100,000 packets of a minute:';
    const put = (id: string, name: string, ms: number, cpuMs: number): void => {
      record({ ...base, id: `what-if-${id}`, title: `${title} ${name} (processor ${cpuMs.toFixed(0)} ms)`, value: ms });
    };
    put('first', 'first packets shown', first.ms, first.cpuMs);
    put('whole', 'then all packets', whole.ms, whole.cpuMs);
    put('closer', 'another stretch', closer.ms, closer.cpuMs);
    for (const { parameter, ms, cpuMs } of parameters) put(parameter.replaceAll(' ', '-'), parameter, ms.median, cpuMs.median);
  }
  if (asked('sockets-path', 'meter-path')) {
    for (const row of meteringRows(rounds)) record({ ...row, unit: 'x' });
  }
  if (asked('translate-memory')) {
    for await (const row of translationRows(rounds)) record({ ...row, unit: 'M/s', higherIsBetter: true });
  }
  if (asked('session-search')) {
    for (const row of searchRows(rounds)) record(row);
  }
  for await (const row of multicastRows(rounds, (id) => asked(id))) record(row);
  if (asked('translate-tayga')) {
    for await (const row of taygaRows(rounds)) record({ ...row, higherIsBetter: true });
    console.log(TAYGA_NOTE);
  }
  if (asked('translate-live')) {
    for await (const row of liveRows(rounds)) record({ ...row, higherIsBetter: true });
  }
  if (asked('copy-sum')) {
    for (const row of copySumRows(rounds)) record({ ...row, atLeast: row.id.startsWith('copy-sum-1500') ? 1.3 : 1, aim: 1.5, unit: 'x' });
  }
  if (asked('ring-threads')) {
    const { ring, copy } = await ringRates(rounds);
    const title = `ring between two threads, batches of 32 (a plain array copy: ${copy.toFixed(0)} M/s, ${(ring / copy).toFixed(2)}x)`;
    record({ id: 'ring-threads', title, atLeast: 50, aim: 100, unit: 'M/s', value: ring, higherIsBetter: true });
  }
  if (values.only === undefined || values.only.includes('memory')) {
    const capture: CaptureName = values.quick ? 'imix-10k' : 'imix-10k-5m';
    const file = await ensureCapture(capture, values.folder);
    record({ id: 'index-memory', title: 'index memory for a packet', atLeast: 48, aim: 33, unit: 'B', value: await indexMemory(file) });
    const engine = await engineMemory(file);
    const base = { id: 'engine-memory', title: 'engine memory over bare Node, 10 k flows', atLeast: 100, aim: 20, unit: 'MB' };
    record(engine === undefined ? { ...base, skipped: 'not installed: time' } : { ...base, value: engine });
  }
  mkdirSync(dirname(values.json), { recursive: true });
  const captures = Object.fromEntries(
    (Object.keys(CAPTURES) as CaptureName[])
      .filter((name) => existsSync(join(values.folder, `${name}.pcap`)))
      .map((name) => [name, { ...CAPTURES[name], bytes: statSync(join(values.folder, `${name}.pcap`)).size }]),
  );
  writeFileSync(values.json, `${JSON.stringify({ node: process.versions.node, rounds, captures, outcomes }, null, 2)}\n`);
  console.log(`figures: ${values.json}`);
}

// The ring between two threads starts this program in a second one.
if (!ranAsProducer()) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
}
