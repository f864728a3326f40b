import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { burstAnalysisSchema, burstSettingsSchema, type BurstAnalysisAnswer, type BurstSettingsInput } from '../contract/index.ts';
import { analyseBurstsOfFile, analyseBurstsOfInput, type BurstRequest } from './burst-analysis.ts';
import { samplesFolder } from './paths.ts';
import { SessionInput } from './session/input.ts';

const SETTINGS: BurstSettingsInput = {
  rateBps: 50_000_000,
  marker: { kind: 'single', cirBps: 50_000_000, cbsBytes: 65_536, ebsBytes: 16_384 },
};
const sample = (name: string): string => join(samplesFolder, name);

function request(settings: BurstSettingsInput, flows = 0, signal = new AbortController().signal): BurstRequest {
  return { settings: burstSettingsSchema.parse(settings), flows, signal, onProgress: () => undefined };
}

async function both(path: string, settings: BurstSettingsInput, flows: number): Promise<[BurstAnalysisAnswer, BurstAnalysisAnswer]> {
  const input = await SessionInput.open(path, { signal: new AbortController().signal, progress: () => undefined });
  try {
    return [await analyseBurstsOfFile(path, request(settings, flows)), await analyseBurstsOfInput(input, request(settings, flows))];
  } finally {
    input.dispose();
  }
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-test-bursts-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('bursts of an input', () => {
  test.each([
    ['burst-lte.pcapng', false],
    ['mixed-lan.pcapng', true],
    ['microbursts.pcap', true],
  ])('%s gives the same streamed and from the index', async (name, colourAware) => {
    const [streamed, indexed] = await both(sample(name), { ...SETTINGS, colourAware }, 5);
    expect(indexed).toEqual(streamed);
    expect(burstAnalysisSchema.parse(streamed)).toEqual(streamed);
    expect(streamed.flows).toHaveLength(5);
  });

  test('flows are the directions with most bytes, in order', async () => {
    const input = await SessionInput.open(sample('mixed-lan.pcapng'), { signal: new AbortController().signal, progress: () => undefined });
    const sums = new Map<string, { bytes: number; packets: number }>();
    for (let n = 1; n <= input.packets; n++) {
      if (input.index.flow(n) < 0) continue;
      const key = `${String(input.index.flow(n))} ${String(input.index.flowReversed(n))}`;
      const sum = sums.get(key) ?? { bytes: 0, packets: 0 };
      sums.set(key, { bytes: sum.bytes + input.index.origLen(n), packets: sum.packets + 1 });
    }
    const expected = [...sums.values()].sort((a, b) => b.bytes - a.bytes).slice(0, 4);
    const { flows, report } = await analyseBurstsOfInput(input, request({}, 4));
    expect(flows.map((flow) => ({ bytes: flow.report.bytes, packets: flow.report.packets }))).toEqual(expected);
    expect(report.packets).toBe(input.packets);
    input.dispose();
  });

  test('a color-aware meter heeds the drop precedence', async () => {
    const bytes = readFileSync(sample('microbursts.pcap'));
    const AF13 = 14 << 2;
    for (let at = 24; at + 16 <= bytes.length; at += 16 + bytes.readUInt32LE(at + 8)) {
      const frame = at + 16;
      if (bytes.readUInt16BE(frame + 12) === 0x0800) bytes[frame + 15] = AF13;
      else bytes.writeUInt16BE(0x6000 | (AF13 << 4), frame + 14);
    }
    const path = join(folder, 'af13.pcap');
    writeFileSync(path, bytes);
    const generous: BurstSettingsInput = { marker: { kind: 'single', cirBps: 1e12, cbsBytes: 1e9, ebsBytes: 0 } };
    const [aware] = await both(path, { ...generous, colourAware: true }, 0);
    const [blind] = await both(path, generous, 0);
    expect(aware.report.conformance).toMatchObject({ green: { packets: 0 }, red: { packets: aware.report.packets, firstPacket: 1 } });
    expect(blind.report.conformance).toMatchObject({ green: { packets: blind.report.packets }, red: { packets: 0 } });
  });

  test('can be cancelled', async () => {
    const controller = new AbortController();
    controller.abort();
    const input = await SessionInput.open(sample('burst-lte.pcapng'), { signal: new AbortController().signal, progress: () => undefined });
    await expect(analyseBurstsOfInput(input, request({ scalesNs: [1_000] }, 20, controller.signal))).rejects.toThrow('cancelled');
    input.dispose();
  });

  test('a file that is no capture says so', async () => {
    const path = join(folder, 'text.pcap');
    writeFileSync(path, 'this is no capture at all');
    await expect(analyseBurstsOfFile(path, request({}))).rejects.toThrow('capture');
  });
});
