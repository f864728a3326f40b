import type { MeterSpec, SocketsSpec } from '../../contract/index.ts';

/**
 * What the schemas give a meter and sockets of which nothing is said. Apart from the schemas, so that a run's threads load none; a
 * test holds them equal.
 */
export const DEFAULT_METER: MeterSpec = {
  enable: true,
  intervalUs: 1_000,
  intervalMode: 'fixed',
  portionCapBytes: 16_384,
  slotBytes: 2_048,
  minSlots: 64,
  maxSlots: 8_192,
  holdTimeMs: 10,
  shrinkHoldDownMs: 1_000,
  drain: 'channel',
  burstGapUs: 1_000,
  overflow: 'tail_drop',
  grouping: 'interface',
  maxAddedDelayMs: 100,
  earlyWake: false,
  jitterUs: 0,
};

export const DEFAULT_SOCKETS: SocketsSpec = {
  by: 'flow',
  count: 1,
  max: 16_384,
  rcvbufBytes: 131_072,
  readerBps: 400_000_000,
  wakeUs: 50,
  maxUnitBytes: 65_535,
  lowatBytes: 1,
  mbufs: 65_536,
  stalls: [],
  closes: [],
};
