import { readFileSync } from 'node:fs';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { EngineError, engineErrorSchema, progressSchema } from '../contract/index.ts';
import { atomicFile } from '../files/index.ts';
import { generateTo, parseGenerator, refusedYaml } from '../lab/index.ts';
import { cliFile, fileError } from '../host/index.ts';
import { bytes, count, printable } from './format.ts';
import { EXIT, type Output } from './output.ts';
import { startProgress } from './progress.ts';

/** What the thread that generates is given. The flag becomes 1 when the user wants to stop. */
const taskSchema = z.object({
  task: z.literal('generate'),
  yaml: z.string(),
  spec: z.string(),
  path: z.string(),
  flag: z.custom<Int32Array>((value) => value instanceof Int32Array),
});
const answerSchema = z.union([
  z.object({ progress: progressSchema }),
  z.object({ error: engineErrorSchema }),
  z.object({ packets: z.number(), bytesWritten: z.number() }),
]);

/**
 * Makes a capture file. The generator runs in a thread of its own, because it does not look around: here Ctrl+C is heard, and
 * the unfinished file is removed.
 */
export async function generateCommand(
  spec: string,
  path: string,
  seed: number | undefined,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  let yaml: string;
  try {
    yaml = readFileSync(spec, 'utf8');
  } catch (error) {
    throw fileError(error, spec);
  }
  if (seed !== undefined) yaml = withSeed(yaml, seed);
  const progress = await startProgress(output, `generating ${printable(path)}`);
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const stop = (): void => {
    Atomics.store(flag, 0, 1);
  };
  signal.addEventListener('abort', stop);
  try {
    const made = await new Promise<{ packets: number; bytesWritten: number }>((resolve, reject) => {
      const worker = new Worker(cliFile, { workerData: { task: 'generate', yaml, spec, path, flag } satisfies z.infer<typeof taskSchema> });
      worker.on('error', reject);
      worker.on('message', (message: unknown) => {
        const answer = answerSchema.parse(message);
        if ('progress' in answer) progress.update(answer.progress);
        else if ('error' in answer) reject(new EngineError(answer.error));
        else resolve(answer);
      });
    });
    if (output.json) output.record({ file: path, ...made });
    else {
      progress.stop();
      output.text(`${printable(path)}: ${count(made.packets)} packets, ${bytes(made.bytesWritten)}`);
    }
    return EXIT.ok;
  } finally {
    progress.stop();
    signal.removeEventListener('abort', stop);
  }
}

/** The spec's seed replaced, or added at its top level. */
function withSeed(yaml: string, seed: number): string {
  const line = /^seed:.*$/m;
  return line.test(yaml) ? yaml.replace(line, `seed: ${seed}`) : `seed: ${seed}\n${yaml}`;
}

/** Runs inside the thread; true when this thread was started for a task. */
export function runTask(): boolean {
  const parsed = isMainThread ? undefined : taskSchema.safeParse(workerData);
  if (parsed?.success !== true) return false;
  const { yaml, spec, path, flag } = parsed.data;
  try {
    parentPort?.postMessage(generate(yaml, spec, path, flag));
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    parentPort?.postMessage({ error: error.data });
  }
  return true;
}

function generate(yaml: string, spec: string, path: string, flag: Int32Array): { packets: number; bytesWritten: number } {
  const parsed = parseGenerator(yaml);
  if (!parsed.ok) throw refusedYaml(spec, parsed.error, 'ringside schema generator');
  const sink = atomicFile(path);
  if (!sink.ok) throw sink.error;
  const made = generateTo(parsed.value, sink.value, {
    shouldCancel: () => Atomics.load(flag, 0) === 1,
    onProgress: (progress, packets) => parentPort?.postMessage({ progress: { ...progress, message: `${count(packets)} packets` } }),
  });
  if (!made.ok) throw made.error;
  return made.value;
}
