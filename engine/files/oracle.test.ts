import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { beforeAll, describe, expect, test } from 'vitest';
import { capture, capturesFolder, capturesMissing, haveCaptures } from '../testing/captures.ts';
import { captureFilesDoc } from './doc.ts';
import { captureInfo, haveZstd, type CaptureInfo } from './index.ts';
import { COUNTED_BY_CAPINFOS, REFUSED_BY_CAPINFOS, TIME_EXCEPTIONS, ZSTD_FILE } from './oracle-exceptions.ts';

interface Row {
  readonly file: string;
  readonly type: string;
  readonly packets: string;
  readonly bytes: string;
  readonly error: string;
  readonly libpcapPackets: string;
}

function rows(): Row[] {
  const lines = readFileSync(capture('ORACLE.tsv'), 'utf8').trim().split('\n').slice(1);
  return lines.map((line) => {
    const [file = '', type = '', , packets = '', bytes = '', error = '', libpcapPackets = ''] = line.split('\t');
    return { file, type, packets, bytes, error, libpcapPackets };
  });
}

/** Whether seconds as capinfos prints them, with as many decimals as the file's resolution has, are these ns, cut to as many. */
function sameTime(seconds: string, ns: string): boolean {
  const decimals = seconds.split('.')[1]?.length ?? 0;
  const digits = ns.padStart(10, '0');
  const whole = digits.slice(0, -9);
  return seconds === (decimals === 0 ? whole : `${whole}.${digits.slice(-9).slice(0, decimals)}`);
}

/** capinfos' table for many files, or undefined where it is not installed. */
function capinfosTable(files: readonly string[]): Map<string, string[]> | undefined {
  let text: string;
  try {
    text = execFileSync('capinfos', ['-T', '-m', '-Q', '-r', '-a', '-e', '-S', '-o', ...files], {
      cwd: capturesFolder,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    // It ends with 1 if any file was refused, and has printed the others.
    text = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
  }
  const table = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const cells = line.split('","').map((cell) => cell.replaceAll('"', ''));
    if (cells.length > 1) table.set(cells[0]!, cells.slice(1));
  }
  return table;
}

describe.skipIf(!haveCaptures)(`the captures of others${haveCaptures ? '' : ` (skipped: ${capturesMissing})`}`, () => {
  const infos = new Map<string, CaptureInfo>();
  const all = haveCaptures ? rows() : [];

  beforeAll(async () => {
    for (const row of all) infos.set(row.file, await captureInfo(capture(row.file)));
  }, 120_000);

  test('packets, bytes and type are those of capinfos, for every row without its error', () => {
    const exceptions = new Set(haveZstd() ? [] : COUNTED_BY_CAPINFOS.map((x) => x.file));
    const told = all.filter((row) => row.error === '' && !exceptions.has(row.file));
    expect(told.length).toBeGreaterThan(2400);
    const expected = told.map((row) => `${row.file} ${row.type} ${row.packets} ${row.bytes}`);
    const got = told.map((row) => {
      const info = infos.get(row.file)!;
      return `${row.file} ${info.format} ${String(info.packets)} ${String(info.bytes)}`;
    });
    expect(got.filter((line, i) => line !== expected[i])).toEqual([]);
  });

  test('rows that capinfos refuses give what the table of exceptions says, and a word about it', () => {
    const refused = all.filter((row) => row.error !== '');
    expect(refused.map((row) => row.file).sort()).toEqual(REFUSED_BY_CAPINFOS.map((x) => x.file).sort());
    for (const exception of REFUSED_BY_CAPINFOS) {
      const info = infos.get(exception.file)!;
      expect([exception.file, info.error === null ? info.packets : undefined]).toEqual([exception.file, exception.ours]);
      if (info.packets === 0) expect(info.findings.length + (info.error?.message.length ?? 0)).toBeGreaterThan(0);
      const libpcap = refused.find((row) => row.file === exception.file)!.libpcapPackets;
      if (libpcap !== '') expect(info.packets).toBeGreaterThanOrEqual(Number(libpcap));
    }
  });

  test('a file without packets is never silent, unless it has none', () => {
    const silent = all.filter((row) => {
      const info = infos.get(row.file)!;
      return info.packets === 0 && row.packets !== '0' && info.findings.length === 0 && info.error === null;
    });
    expect(silent).toEqual([]);
  });

  test('zstd: the same packets, or one sentence with what to do', () => {
    const info = infos.get(ZSTD_FILE)!;
    if (haveZstd()) expect(info.packets).toBe(159);
    else
      expect(info.error).toMatchObject({
        code: 'unsupported',
        message: expect.stringMatching(/zstd/) as string,
        fix: expect.stringMatching(/zstd -d/) as string,
      });
  });

  test('earliest and latest time and time order are those of capinfos', (context) => {
    const files = all.filter((row) => row.error === '' && infos.get(row.file)!.error === null).map((row) => row.file);
    const table = capinfosTable(files);
    if (table === undefined) {
      context.skip('capinfos is not installed');
      return;
    }
    const different: string[] = [];
    let compared = 0;
    for (const [file, [start = '', end = '', order = '']] of table) {
      const info = infos.get(file)!;
      if (start === 'n/a' || info.firstNs === null || info.lastNs === null) {
        if (info.packets > 0 && start !== 'n/a') different.push(`${file}: no time (capinfos: ${start})`);
        continue;
      }
      compared++;
      const backwards = info.notes['time-backwards'] !== undefined;
      const same = sameTime(start, info.firstNs) && sameTime(end, info.lastNs) && (order === 'True') !== backwards;
      if (!same)
        different.push(`${file}: ${info.firstNs} ${info.lastNs} backwards=${String(backwards)} (capinfos: ${start} ${end} ${order})`);
    }
    expect(compared).toBeGreaterThan(2400);
    expect(different.map((line) => line.split(': ')[0])).toEqual(TIME_EXCEPTIONS.map((x) => x.file));
  });
});

test('docs/capture-files.md is what the source says', async () => {
  const path = new URL('../../docs/capture-files.md', import.meta.url).pathname;
  const config = await resolveConfig(path);
  await expect(await format(captureFilesDoc(), { ...config, parser: 'markdown' })).toMatchFileSnapshot(path);
});
