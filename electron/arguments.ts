import { isAbsolute, resolve } from 'node:path';

/** What the program was started for. */
export type StartMode =
  | { readonly kind: 'window'; readonly file: string | undefined }
  /** The command line of a packaged program: `ringside --cli info FILE`. */
  | { readonly kind: 'cli'; readonly args: readonly string[] }
  /** A helper of the program's own, by the name of its file in dist/. */
  | { readonly kind: 'program'; readonly name: string; readonly args: readonly string[] };

/** Helpers that may be started this way; nothing else in the package can be run by an argument. */
const OWN_PROGRAMS = new Set(['capture-helper']);
const PROGRAM_FLAG = '--ringside-program=';

/**
 * Reads the command line of the packaged or unpackaged program. `args` are those behind the program (and, unpackaged, behind the
 * project folder). Chromium's own switches are skipped.
 */
export function readArguments(args: readonly string[], cwd: string): StartMode {
  const [first] = args;
  if (first === '--cli') return { kind: 'cli', args: args.slice(1) };
  if (first?.startsWith(PROGRAM_FLAG) === true) {
    const name = first.slice(PROGRAM_FLAG.length);
    if (OWN_PROGRAMS.has(name)) return { kind: 'program', name, args: args.slice(1) };
  }
  const file = args.find((word) => !word.startsWith('-') && word !== '.');
  return { kind: 'window', file: file === undefined ? undefined : isAbsolute(file) ? file : resolve(cwd, file) };
}
