import { parentPort } from 'node:worker_threads';
import { loadCode } from './cached-code.ts';
import { replayCoreFile } from './paths.ts';
import type { serveLane } from './lane-serve.ts';

/** Entry of a lane's thread. Its code is that of a plain replay, which has a cache. */
const core = loadCode(replayCoreFile).exports as { serveLane: typeof serveLane };
if (parentPort !== null) core.serveLane(parentPort);
