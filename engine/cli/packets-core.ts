/** What `ringside packets` of a list needs, in one file of the build: see quick-packets.ts and cached-code.ts in the host. */
export { quickPackets } from './quick-packets.ts';
