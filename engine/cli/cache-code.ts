import { writeFileSync } from 'node:fs';
import { loadCode, replayCoreFile } from '../host/plain.ts';
import type * as replayCore from './replay-core.ts';

/** Run by the build with a capture: replays it and keeps what V8 has compiled for that, see cached-code.ts in the host. */
const { exports, codeCache } = loadCode(replayCoreFile);
const { quickReplay } = exports as typeof replayCore;
const code = await quickReplay({ file: process.argv[2] ?? '', scenario: 'default', lanes: 1 }, undefined, new AbortController().signal);
if (code === 0) writeFileSync(`${replayCoreFile}.cache`, codeCache());
process.exitCode = code ?? 1;
