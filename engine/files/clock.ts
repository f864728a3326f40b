import { CLOCK_LIMIT_NS } from './reader-base.ts';
import type { FindingLog } from './findings.ts';

/** A 64-bit distance as a clock value; counts what had to be clamped. */
export function clampNs(distanceNs: bigint, findings: FindingLog, fileOffset: number): number {
  const limit = BigInt(CLOCK_LIMIT_NS);
  if (distanceNs <= limit && distanceNs >= -limit) return Number(distanceNs);
  findings.add('time-clamped', fileOffset);
  return distanceNs < 0n ? -CLOCK_LIMIT_NS : CLOCK_LIMIT_NS;
}
