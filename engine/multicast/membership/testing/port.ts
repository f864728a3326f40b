import { multicastLimitsSchema, multicastTimersSchema } from '../../../contract/index.ts';
import type { Family } from '../../addresses.ts';
import { EventClock } from '../../clock.ts';
import type { QueryMessage, RecordType } from '../../messages/index.ts';
import { MembershipPort, membershipSettings } from '../index.ts';

/** A router's port, of IGMP at 10.0.0.5 where nothing else is said, on a clock of its own. */

export const GROUP = '233.252.0.1';

export function port(change: { timers?: object; limits?: object; address?: string; family?: Family; mtuBytes?: number } = {}) {
  const clock = new EventClock();
  const queries: { tNs: number; query: QueryMessage; destination: string }[] = [];
  const warnings: string[] = [];
  const settings = membershipSettings(multicastTimersSchema.parse(change.timers ?? {}), multicastLimitsSchema.parse(change.limits ?? {}));
  const made = new MembershipPort(change.family ?? 4, change.address ?? '10.0.0.5', settings, {
    clock,
    mtuBytes: change.mtuBytes ?? 1_500,
    query: (query, destination) => queries.push({ tNs: clock.nowNs, query, destination }),
    warn: (text) => warnings.push(text),
    changed: () => undefined,
  });
  made.start();
  return { clock, port: made, queries, warnings };
}

export const report = (type: RecordType, sources: readonly string[] = [], version: 1 | 2 | 3 = 3, group = GROUP) =>
  ({ kind: 'report', version, records: [{ type, group, sources }] }) as const;
