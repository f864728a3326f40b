/** B-10: what a meter counts. */
export class MeterCounters {
  rxPkts = 0;
  rxBytes = 0;
  ringFullDrop = 0;
  headDrop = 0;
  heldInPool = 0;
  sockFullDrop = 0;
  oversizeDrop = 0;
  closedDrop = 0;
  mbufDrop = 0;
  purge = 0;
  stall = 0;
  flushed = 0;
  wakeups = 0;
  idleWakeups = 0;
  portions = 0;
  releasedBytes = 0;
}
