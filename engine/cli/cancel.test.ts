import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError } from '../contract/index.ts';
import { burstCommand } from './burst.ts';
import { convertersCommand } from './converters.ts';
import { infoCommand } from './info.ts';
import { multicastCommand } from './multicast.ts';
import { offloadCommand } from './offload.ts';
import { EXIT, createOutput, runWork, type Output } from './output.ts';
import { packetsCommand } from './packets.ts';
import { sendersCommand } from './senders.ts';

const sample = resolve(import.meta.dirname, '../../resources/samples/burst-lte.pcapng');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-test-cancel-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Where a command's errors are kept; what it prints is of no interest. */
function silent(errors: EngineError[]): Output {
  const nothing = (): void => undefined;
  return { ...createOutput(false), text: nothing, record: nothing, message: nothing, error: (e) => errors.push(e as EngineError) };
}

type Work = (output: Output, signal: AbortSignal) => Promise<number>;

/** Runs a command and stops it after it has begun. */
async function stopped(work: Work): Promise<{ code: number; errors: EngineError[] }> {
  const errors: EngineError[] = [];
  const output = silent(errors);
  const controller = new AbortController();
  setImmediate(() => {
    controller.abort();
  });
  const code = await runWork(output, () => work(output, controller.signal));
  return { code, errors };
}

describe('a command that is cancelled', () => {
  const commands: Record<string, Work> = {
    burst: (output, signal) => burstCommand([sample, sample], {}, output, signal),
    converters: (output, signal) => convertersCommand('office', { output: join(folder, 'above', 'legs') }, output, signal),
    info: (output, signal) => infoCommand(Array<string>(1_000).fill(sample), {}, output, signal),
    multicast: (output, signal) => multicastCommand('shorter-path', { output: join(folder, 'links') }, output, signal),
    offload: (output, signal) => offloadCommand(sample, { output: join(folder, 'out.pcapng') }, output, signal),
    packets: (output, signal) => packetsCommand(sample, {}, output, signal),
    senders: (output, signal) => sendersCommand({}, output, signal),
  };

  test.each(Object.entries(commands))('%s says so once, fails, and leaves neither file nor folder', async (_name, work) => {
    const { code, errors } = await stopped(work);
    expect(errors.map((error) => error.code)).toEqual(['cancelled']);
    expect(errors[0]!.message).toMatch(/was cancelled/);
    expect(code).toBe(EXIT.failed);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('what an abort alone threw is told in words', async () => {
    const { errors } = await stopped(() => Promise.reject(new DOMException('This operation was aborted', 'AbortError')));
    expect(errors[0]?.message).toBe('The command was cancelled.');
  });

  test('a failure that came after Ctrl+C is told as it is: for capture that is the normal end', async () => {
    const failure = new EngineError({ code: 'bad-input', message: 'The disk is full.' });
    const { code, errors } = await stopped(() => Promise.reject(failure));
    expect(errors).toEqual([failure]);
    expect(code).toBe(EXIT.failed);
  });
});
