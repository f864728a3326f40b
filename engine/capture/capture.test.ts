import { describe, expect, test } from 'vitest';
import { LiveCapture, checkFilter, listBackends, listDevices } from './index.ts';
import { pcapHeader, putRecordHeader } from './pcap-stream.ts';
import { findProgram, runProgram } from './programs.ts';

const tcpdump = findProgram('tcpdump');

describe('devices and backends', () => {
  test('the loopback interface is listed as such', () => {
    const loopback = listDevices().find((device) => device.loopback);
    expect(loopback?.name).toMatch(/^lo/);
  });

  test('each backend either runs or says the command that mends it', async () => {
    for (const backend of await listBackends()) {
      expect(backend.timestamps).not.toBe('');
      expect(backend.ok ? backend.why : backend.fix !== '').toBe(backend.ok ? '' : true);
    }
  });
});

describe('errors before anything is opened', () => {
  test('an interface that is not there is named, with those that are', async () => {
    await expect(LiveCapture.start({ device: 'nosuch0' })).rejects.toMatchObject({
      data: { code: 'not-found', message: 'There is no interface nosuch0.', fix: expect.stringContaining('lo') },
    });
  });

  test.skipIf(tcpdump === undefined)('a capture filter is compiled first', async () => {
    expect(await checkFilter('tcp port 443')).toMatchObject({ ok: true });
    expect(await checkFilter('')).toMatchObject({ ok: true });
    const wrong = await checkFilter('tcp prot 443');
    expect(wrong.ok).toBe(false);
    expect(wrong.message).toContain('syntax error');
    expect((await checkFilter('-w /tmp/owned')).ok).toBe(false);
    expect((await checkFilter('x'.repeat(5_000))).message).toContain('4096');
  });
});

test('the stream of the cap helper is pcap with nanoseconds', () => {
  const out = new Uint8Array(24 + 16 + 4);
  out.set(pcapHeader(1, 65_535));
  putRecordHeader(out, 24, 1_700_000_000_123_456_789n, 4, 60);
  const view = new DataView(out.buffer);
  expect(view.getUint32(0, true)).toBe(0xa1b23c4d);
  expect([24, 28, 32, 36].map((at) => view.getUint32(at, true))).toEqual([1_700_000_000, 123_456_789, 4, 60]);
});

test('programs are run without a shell and end in time', async () => {
  const echo = await runProgram('/bin/echo', ['$HOME; true']);
  expect(echo).toEqual({ code: 0, stdout: '$HOME; true\n', stderr: '' });
  expect((await runProgram('/bin/sleep', ['5'], 50)).code).toBe(124);
  expect((await runProgram('/no/such/program', [])).code).toBe(127);
});
