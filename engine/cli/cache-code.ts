import { writeFileSync } from 'node:fs';
import { loadCode, packetsCoreFile, replayCoreFile, translateCoreFile } from '../host/plain.ts';
import type * as packetsCore from './packets-core.ts';
import type * as replayCore from './replay-core.ts';
import type * as translateCore from './translate-core.ts';

/** Run by the build with a capture: replays, translates and lists it and keeps what V8 has compiled for that, see cached-code.ts in the host. */
const file = process.argv[2] ?? '';
const { signal } = new AbortController();
const replay = loadCode(replayCoreFile);
const { quickReplay } = replay.exports as typeof replayCore;
const replayed = await quickReplay({ file, scenario: 'default', lanes: 1 }, undefined, signal);
if (replayed === 0) writeFileSync(`${replayCoreFile}.cache`, replay.codeCache());

const translate = loadCode(translateCoreFile);
const { quickTranslate } = translate.exports as typeof translateCore;
const translated = await quickTranslate({ options: { config: 'siit', in4: file }, json: false }, signal);
if (translated === 0) writeFileSync(`${translateCoreFile}.cache`, translate.codeCache());

const packets = loadCode(packetsCoreFile);
const { quickPackets } = packets.exports as typeof packetsCore;
const listed = await quickPackets({ file, options: { count: 1_000 }, json: false }, signal);
if (listed === 0) writeFileSync(`${packetsCoreFile}.cache`, packets.codeCache());
process.exitCode = replayed === 0 && translated === 0 && listed === 0 ? 0 : 1;
