import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { EventData } from '../../contract/index.ts';
import { openCapture } from '../../files/index.ts';
import { samplesFolder } from '../paths.ts';
import { scenarioText } from '../scenarios.ts';
import { SessionCore } from './core.ts';
import { Follower } from './follow.ts';
import { SessionInput } from './input.ts';
import { runInSlices } from './run-in-slices.ts';
import { savePcapng } from './save.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringside-test-follow-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const never = { signal: new AbortController().signal, progress: () => undefined };

describe.each(['burst-lte.pcapng', 'microbursts.pcap'])('a spool file that grows like %s', (name) => {
  const whole = readFileSync(join(samplesFolder, name));

  test('is followed record by record wherever it was cut, and ends up like the file itself', async () => {
    const path = join(folder, name);
    writeFileSync(path, whole.subarray(0, 10));
    const opening = Follower.open(path, never.signal);
    appendFileSync(path, whole.subarray(10, 50_001));
    const follower = await opening;
    const runs: EventData<'run.finished'>[] = [];
    const core = new SessionCore({
      id: 'live',
      name: 'wwan0',
      input: follower.input,
      scenario: { id: 'small-rings', yaml: scenarioText('small-rings') },
      runner: runInSlices,
      timestamps: 'kernel',
      events: { transport: () => undefined, runFinished: (data) => runs.push(data), runFailed: () => undefined, changed: () => undefined },
    });
    core.transport.follow();
    follower.take();
    core.transport.catchUp();
    const some = follower.input.packets;
    expect(some).toBeGreaterThan(100);
    expect(core.transport.state()).toMatchObject({ state: 'live', packet: some });
    expect(core.playhead.frame().packets).toBe(some);
    expect(core.info()).toMatchObject({ kind: 'live', timestamps: 'kernel' });

    for (let at = 50_001; at < whole.length; at += 99_999) {
      appendFileSync(path, whole.subarray(at, at + 99_999));
      follower.take();
      core.transport.catchUp();
    }
    const rows = core.packetRows(1, 400).rows;
    expect(rows.some(({ verdict }) => verdict === 'delivered')).toBe(true);
    expect((await core.transport.seekPacket(50)).state).toBe('paused');
    core.transport.catchUp();
    expect(core.transport.state().packet).toBe(50);
    expect((await core.transport.play(0)).state).toBe('live');

    follower.end();
    core.endOfInput();
    await expect.poll(() => runs.length).toBe(1);
    const opened = await SessionInput.open(join(samplesFolder, name), never);
    expect(follower.input.packets).toBe(opened.packets);
    for (const n of [1, some, some + 1, opened.packets]) {
      expect(follower.input.index.fileOffset(n)).toBe(opened.index.fileOffset(n));
      expect(follower.input.timeOf(n)).toBe(opened.timeOf(n));
      expect(follower.input.index.flow(n)).toBe(opened.index.flow(n));
    }
    expect(runs[0]!.summary.packets).toBe(opened.packets);
    opened.dispose();

    const saved = join(folder, `saved-${name}`);
    savePcapng(follower.input, saved);
    const again = await openCapture(saved);
    if (!again.ok) throw again.error;
    expect(again.value.source.format).toBe('pcapng');
    again.value.close();
    const reread = await SessionInput.open(saved, never);
    expect(reread.info()).toMatchObject({
      packets: follower.input.packets,
      bytes: follower.input.index.totals.bytes,
      firstNs: follower.input.info().firstNs,
    });
    reread.dispose();
    core.dispose();
  });
});

test('a capture program that writes nothing of use is said', async () => {
  const path = join(folder, 'nothing');
  writeFileSync(path, Buffer.alloc(100, 0x41));
  const controller = new AbortController();
  setTimeout(() => {
    controller.abort();
  }, 100);
  await expect(Follower.open(path, controller.signal)).rejects.toMatchObject({ code: 'unavailable' });
});
