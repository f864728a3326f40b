import { EngineError, type EngineErrorData } from '../contract/index.ts';

/** Exit codes of every command. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Where a command writes. Results go to standard output and nothing else does; progress and messages go to standard error. */
export interface Output {
  readonly json: boolean;
  readonly colour: boolean;
  /** Standard output is a terminal. */
  readonly toTerminal: boolean;
  text(line: string): void;
  /** One JSON object on a line of its own. */
  record(value: unknown): void;
  message(line: string): void;
  error(error: unknown): void;
  readonly paint: Paint;
}

export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly green: (text: string) => string;
  readonly cyan: (text: string) => string;
}

function paint(on: boolean): Paint {
  const code = (open: number, close: number) => (text: string) => (on ? `\u001b[${open}m${text}\u001b[${close}m` : text);
  return { bold: code(1, 22), dim: code(2, 22), red: code(31, 39), yellow: code(33, 39), green: code(32, 39), cyan: code(36, 39) };
}

/** Colour as https://no-color.org says: not when NO_COLOR is set, not when piped. */
function wantsColour(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';
}

export function createOutput(json: boolean): Output {
  const colour = wantsColour(process.stdout) && !json;
  const errors = paint(wantsColour(process.stderr));
  return {
    json,
    colour,
    toTerminal: process.stdout.isTTY,
    paint: paint(colour),
    text(line) {
      process.stdout.write(`${line}\n`);
    },
    record(value) {
      process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    message(line) {
      process.stderr.write(`${line}\n`);
    },
    error(error) {
      const data = dataOf(error);
      if (json) {
        process.stderr.write(`${JSON.stringify({ error: data })}\n`);
        return;
      }
      process.stderr.write(`${errors.red('ringside:')} ${place(data)}${data.message}\n`);
      if (data.fix !== undefined) process.stderr.write(`  ${errors.bold(data.fix)}\n`);
    },
  };
}

function dataOf(error: unknown): EngineErrorData {
  if (error instanceof EngineError) return error.data;
  if (error instanceof UsageError) return { code: 'bad-input', message: error.message };
  // A mistake of ours: the stack is what a bug report needs.
  const text =
    error instanceof Error ? (process.env['RINGSIDE_DEBUG'] === undefined ? error.message : (error.stack ?? error.message)) : String(error);
  return { code: 'internal', message: text };
}

function place({ where }: EngineErrorData): string {
  if (where?.file === undefined) return '';
  const line = where.line === undefined ? '' : `:${where.line}`;
  return `${where.file}${line}: `;
}

/** What a command throws that was stopped by Ctrl+C where no part of it has said so. */
export const cancelled = (): EngineError => new EngineError({ code: 'cancelled', message: 'The command was cancelled.' });

/** Runs the work of a command; what it throws is said, and becomes its exit code. */
export async function runWork<T>(output: Output, work: () => Promise<T> | T): Promise<T | number> {
  try {
    return await work();
  } catch (error) {
    output.error(error instanceof Error && error.name === 'AbortError' ? cancelled() : error);
    return isUsage(error) ? EXIT.usage : EXIT.failed;
  }
}

/** Bad input with a field but in no file stands on the command line itself, such as a capture filter. */
function isUsage(error: unknown): boolean {
  if (!(error instanceof EngineError)) return error instanceof UsageError;
  return error.code === 'bad-input' && error.data.where?.field !== undefined && error.data.where.file === undefined;
}

/** Waits until everything written to a pipe has been taken, so that an exit cuts nothing off. */
export async function drain(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0)
      await new Promise<void>((resolve) =>
        stream.write('', () => {
          resolve();
        }),
      );
  }
}

/** A full pipe pauses the producer: resolves when standard output takes more. */
export function writable(): Promise<void> | undefined {
  if (!process.stdout.writableNeedDrain) return undefined;
  return new Promise((resolve) => process.stdout.once('drain', resolve));
}
