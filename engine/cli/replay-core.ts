/** What a plain replay needs, in one file of the build: see quick-replay.ts and cached-code.ts in the host. */
export { serveLane } from '../host/plain.ts';
export { quickReplay } from './quick-replay.ts';
