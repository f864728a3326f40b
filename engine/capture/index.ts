/**
 * Live capture. One child process for each interface writes a pcap or pcapng stream; it is appended to a private spool
 * file that readers follow like any other capture file. No packet passes through the process that draws the window.
 * For live translation packets come through a pipe instead and leave through `Injector`.
 */
export * from './backends.ts';
export * from './devices.ts';
export * from './filter-check.ts';
export * from './live.ts';
export * from './injector.ts';
export * from './neighbour.ts';
export * from './packet-pipe.ts';
export { PipedPackets } from './piped-packets.ts';
