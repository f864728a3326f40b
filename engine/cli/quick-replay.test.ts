import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compileScenarios, compiledScenario } from '../host/index.ts';
import { listArguments, quickArguments, translateArguments } from './quick-arguments.ts';

test('the quick replay takes a file, a name and lanes, and leaves everything else to the full command', () => {
  expect(quickArguments(['a.pcap', '--json'])).toEqual({ file: 'a.pcap', scenario: 'default', lanes: undefined });
  expect(quickArguments(['--json', '-s', 'wide-open', '--lanes', '2', 'a.pcap'])).toEqual({
    file: 'a.pcap',
    scenario: 'wide-open',
    lanes: 2,
  });
  for (const other of [
    ['--json'],
    ['a.pcap', 'b.pcap', '--json'],
    ['a.pcap', '--json', '--seed', '2'],
    ['a.pcap', '--json', '--help'],
    ['a.pcap', '--json', '--lanes', '17'],
    ['a.pcap', '--json', '--lanes'],
    ['a.pcap', '--json', '--scenario', './mine.yaml'],
    ['a.pcap', '--json', '--scenario'],
  ]) {
    expect(quickArguments(other), other.join(' ')).toBeUndefined();
  }
});

test('the quick translation takes what it knows, and leaves everything else to the full command', () => {
  expect(translateArguments(['-c', 'nat64', '--in6', 'a.pcap', '--out4', 'b.pcap', '--json', '-m', 'siit', '--link', 'raw'])).toEqual({
    options: { config: 'nat64', in6: 'a.pcap', out4: 'b.pcap', mode: 'siit', link: 'raw' },
    json: true,
  });
  expect(translateArguments([])).toEqual({ options: {}, json: false });
  for (const other of [
    ['--help'],
    ['--explain', '3'],
    ['--in6=a.pcap'],
    ['--in6'],
    ['--in6', '--json'],
    ['-m', 'nat44'],
    ['--link', 'token-ring'],
    ['a.pcap'],
    ['constructor', 'a'],
  ]) {
    expect(translateArguments(other), other.join(' ')).toBeUndefined();
  }
});

test('the quick packet list takes what it knows, and leaves everything else to the full command', () => {
  expect(listArguments(['a.pcap'])).toEqual({ file: 'a.pcap', options: {}, json: false });
  expect(listArguments(['--json', 'a.pcap', '--from', '3', '--count', '20', '--fields', 'ip.src,tcp.port'])).toEqual({
    file: 'a.pcap',
    options: { from: 3, count: 20, fields: ['ip.src', 'tcp.port'] },
    json: true,
  });
  for (const other of [
    [],
    ['a.pcap', 'b.pcap'],
    ['a.pcap', '--explain', '3'],
    ['a.pcap', '-s', 'default'],
    ['a.pcap', '--from', '0'],
    ['a.pcap', '--from'],
    ['a.pcap', '--count=3'],
    ['a.pcap', '--count', '1e3'],
    ['a.pcap', '--fields'],
    ['a.pcap', '--fields', '--json'],
    ['a.pcap', '--help'],
  ]) {
    expect(listArguments(other), other.join(' ')).toBeUndefined();
  }
});

test('compiled scenarios are found by name, and not once their text has changed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-test-compiled-'));
  try {
    const all = compileScenarios();
    const file = join(folder, 'scenarios.json');
    writeFileSync(file, JSON.stringify(all));
    expect(all.length).toBeGreaterThan(3);
    for (const each of all) expect(compiledScenario(each.id, file)).toEqual(each);
    expect(compiledScenario('no-such', file)).toBeUndefined();
    writeFileSync(join(folder, 'default.yaml'), `${all[0]!.yaml}\n# changed\n`);
    expect(compiledScenario('default', file, folder)).toBeUndefined();
    expect(compiledScenario('default', join(folder, 'none.json'))).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
