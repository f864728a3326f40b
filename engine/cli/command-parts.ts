import { InvalidArgumentError, type Command } from 'commander';
import type { Output } from './output.ts';

/** What a command's work is given. */
export interface Run {
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** Adds a command; every command knows --json. */
export type Add = (spec: string, description: string, build: (command: Command) => Command) => Command;
/** Makes the work of a command its action: output, exit code, errors. */
export type Act = <A extends readonly unknown[]>(
  work: (run: Run, ...args: A) => Promise<number> | number,
) => (...args: [...A, Command]) => Promise<void>;

export function integer(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`${name} is a whole number from ${min} to ${max}.`);
    return value;
  };
}

/** A time of the capture, or a duration. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1e6)) throw new InvalidArgumentError('A number of seconds above 0.');
  return value;
}

export function setting(text: string, before: readonly string[] = []): string[] {
  if (!/^[^=\s]+=/.test(text)) throw new InvalidArgumentError('path=value, such as device.rxRingSlots=256');
  return [...before, text];
}

/** A file to write, of those that an option may name several of: each once. */
export function outputFile(text: string, before: readonly string[] = []): string[] {
  if (before.includes(text)) throw new InvalidArgumentError('the same file twice');
  return [...before, text];
}

/** A file that an option names once: of two the first would be left unwritten without a word. */
export function onlyFile(text: string, before?: string): string {
  if (before !== undefined) throw new InvalidArgumentError(`${before} is named already; one file only`);
  return text;
}

export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}
