import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Version such as `4.0.17`, or undefined where tshark is not installed. */
export const tsharkVersion: string | undefined = (() => {
  const run = spawnSync('tshark', ['--version'], { encoding: 'utf8' });
  return run.status === 0 ? (/(\d+\.\d+\.\d+)/.exec(run.stdout)?.[1] ?? 'unknown') : undefined;
})();

/** The one sentence a skipped test says. */
export const tsharkMissing = 'tshark is not installed; install it to compare dissection with it';

/** Largest output of one run that is taken, in bytes. */
const MAX_OUTPUT_BYTES = 1_000_000_000;

/** Preferences that make tshark say of each packet what that packet holds, with no memory of others, and every checksum checked. */
const PREFERENCES: readonly string[] = [
  'ip.defragment:FALSE',
  'ipv6.defragment:FALSE',
  'tcp.desegment_tcp_streams:FALSE',
  'tcp.analyze_sequence_numbers:FALSE',
  'ip.check_checksum:TRUE',
  'tcp.check_checksum:TRUE',
  'udp.check_checksum:TRUE',
  'udplite.check_checksum:TRUE',
  'sctp.checksum:CRC 32c',
  'sctp.reassembly:FALSE',
];

function folder(): string {
  const path = join(tmpdir(), `ringside-tshark-${tsharkVersion ?? 'none'}`);
  mkdirSync(path, { recursive: true });
  return path;
}

/** One of tshark's own tables. */
function lines(table: string): string[] {
  return execFileSync('tshark', ['-G', table], {
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT_BYTES,
    stdio: ['ignore', 'pipe', 'ignore'],
  }).split('\n');
}

/** A configuration in which only `protocols` are enabled and no heuristic is: what tshark then does not know, it shows as data. */
function configuration(protocols: readonly string[]): string {
  const key = createHash('sha256').update(protocols.join(' ')).digest('hex').slice(0, 16);
  const path = join(folder(), `config-${key}`);
  if (existsSync(join(path, 'heuristic_protos'))) return path;
  mkdirSync(path, { recursive: true });
  const wanted = new Set(protocols);
  const names = lines('protocols')
    .map((line) => line.split('\t')[2] ?? '')
    .filter((name) => name !== '' && !wanted.has(name));
  writeFileSync(join(path, 'disabled_protos'), `${names.join('\n')}\n`);
  const heuristics = lines('heuristic-decodes')
    .map((line) => line.split('\t')[3] ?? '')
    .filter((name) => name !== '');
  writeFileSync(join(path, 'heuristic_protos'), heuristics.map((name) => `${name},0\n`).join(''));
  return path;
}

export interface TsharkQuery {
  readonly fields: readonly string[];
  readonly protocols: readonly string[];
  /** More preferences, each `name:value`. */
  readonly preferences?: readonly string[];
}

/** All occurrences of each field of each packet of a capture: rows of cells of values, in the order of `fields`. Kept between runs. */
export function tsharkFields(file: Uint8Array, query: TsharkQuery): string[][][] {
  const options = [...PREFERENCES, ...(query.preferences ?? [])];
  const args = [
    '-n',
    '-T',
    'fields',
    '-E',
    'separator=/t',
    '-E',
    'aggregator=|',
    '-E',
    'occurrence=a',
    ...options.flatMap((text) => ['-o', text]),
  ];
  args.push(...query.fields.flatMap((field) => ['-e', field]));
  const key = createHash('sha256').update(file).update(args.join(' ')).update(query.protocols.join(' ')).digest('hex');
  const cached = join(folder(), `${key}.tsv`);
  if (!existsSync(cached)) {
    const input = join(folder(), `${key}.pcapng`);
    writeFileSync(input, file);
    const run = spawnSync('tshark', [...args, '-r', input], {
      encoding: 'utf8',
      maxBuffer: MAX_OUTPUT_BYTES,
      env: { ...process.env, WIRESHARK_CONFIG_DIR: configuration(query.protocols) },
    });
    writeFileSync(input, '');
    if (run.status !== 0) throw new Error(`tshark ended with ${run.status}: ${run.stderr.slice(-500)}`);
    writeFileSync(`${cached}.part`, run.stdout);
    renameSync(`${cached}.part`, cached);
  }
  const rows = readFileSync(cached, 'utf8').split('\n');
  if (rows.at(-1) === '') rows.pop();
  return rows.map((line) => line.split('\t').map((cell) => (cell === '' ? [] : cell.split('|'))));
}
