import type { FileKind, InputRef } from '../engine/contract/index.ts';

/** Between the main process and the engine's utility process. Packets never travel here: each window has its own port to the engine. */
export type ToEngine =
  /** A window's end of a channel comes as the only port of this message. */
  | { readonly kind: 'client' }
  | { readonly kind: 'register'; readonly id: number; readonly path: string }
  | { readonly kind: 'open'; readonly path: string }
  | { readonly kind: 'answer'; readonly id: number; readonly path: string | null };

export type FromEngine =
  | { readonly kind: 'ready' }
  | { readonly kind: 'registered'; readonly id: number; readonly input: InputRef | null }
  | { readonly kind: 'ask'; readonly id: number; readonly question: ShellQuestion }
  | { readonly kind: 'recent'; readonly files: readonly { readonly path: string; readonly name: string }[] };

/** What only the main process can do for the engine. The answer is a path, or null when the user cancelled. */
export type ShellQuestion =
  | { readonly kind: 'pick'; readonly file: FileKind }
  | { readonly kind: 'save'; readonly name: string; readonly format: string }
  /** Path of an HTML report to print as PDF; the answer is the path of the PDF. */
  | { readonly kind: 'print'; readonly html: string; readonly pdf: string };
