import type { RunSummary, SessionInfo } from '../../../engine/contract/index.ts';
import { formatCount, formatDuration, formatPercent, plural } from '../lib/format.ts';

/** What the run says in words, worst first. */
export interface RunFinding {
  readonly tone: 'drop' | 'held' | 'good' | 'neutral';
  readonly text: string;
  /** Scenario parameter that would change it, as a dotted path. */
  readonly parameter?: string;
}

/** A ring filled beyond this share had little room left; below it, nothing needs saying. */
const NEARLY_FULL = 0.8;

export function findingsOf(session: SessionInfo, run: RunSummary): RunFinding[] {
  return [...quiet(run), ...conservation(run), ...drops(run), ...pools(run), ...nearlyFull(run), ...skipped(session), ...delay(run)];
}

function conservation(run: RunSummary): RunFinding[] {
  if (run.conservation.ok) return [];
  const bad = run.conservation.objects.filter((object) => !object.ok).map((object) => object.obj);
  return [{ tone: 'drop', text: `Packets are unaccounted for at ${bad.join(', ')}. This is a fault of Ringside: please report it.` }];
}

function drops(run: RunSummary): RunFinding[] {
  const worst = run.rings.filter((ring) => ring.drops > 0).toSorted((a, b) => b.drops - a.drops);
  return worst.slice(0, 3).map((ring) => {
    const parameter = ringParameter(ring.port, ring.kind);
    return {
      tone: 'drop',
      text: `${plural(ring.drops, 'packet')} found the ring ${ring.id} full (${formatCount(ring.slots)} slots), ${formatPercent(ring.drops, ring.drops + ring.enqueued)} of what came to it.`,
      ...(parameter !== null && { parameter }),
    };
  });
}

function nearlyFull(run: RunSummary): RunFinding[] {
  return run.rings
    .filter((ring) => ring.drops === 0 && ring.highWater > ring.slots * NEARLY_FULL)
    .slice(0, 3)
    .map((ring) => ({ tone: 'held', text: `The ring ${ring.id} came to ${formatPercent(ring.highWater, ring.slots)} of its ${formatCount(ring.slots)} slots without a drop.` })); // prettier-ignore
}

function pools(run: RunSummary): RunFinding[] {
  return run.pools
    .filter((pool) => pool.failures > 0)
    .slice(0, 3)
    .map((pool) => ({ tone: 'drop', text: `The pool ${pool.id} had no packet left ${plural(pool.failures, 'time')}.`, ...(pool.port === 'device' && { parameter: 'device.poolPackets' }) })); // prettier-ignore
}

function skipped(session: SessionInfo): RunFinding[] {
  return Object.entries(session.capture.skipped)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => ({ tone: 'held', text: `${plural(count, 'record')} of the input could not be read: ${reason}.` }));
}

function delay(run: RunSummary): RunFinding[] {
  const slow = run.ports
    .filter((port) => port.kind !== 'device' && port.delivered > 0)
    .toSorted((a, b) => b.delayNs.p99 - a.delayNs.p99)[0];
  if (slow === undefined) return [];
  return [{ tone: 'neutral', text: `Slowest reader: ${slow.id}, half of its packets within ${formatDuration(slow.delayNs.p50)} of the device, 99 of 100 within ${formatDuration(slow.delayNs.p99)}.` }]; // prettier-ignore
}

function quiet(run: RunSummary): RunFinding[] {
  const dropped = Object.values(run.drops).reduce((sum, n) => sum + n, 0);
  if (dropped > 0 || !run.conservation.ok) return [];
  return [{ tone: 'good', text: `All ${plural(run.packets, 'packet')} are accounted for and none was dropped.` }];
}

/** Only the device's rings have one fixed parameter; a port's place in the scenario depends on the text. */
function ringParameter(port: string, kind: 'rx' | 'tx'): string | null {
  if (port !== 'device') return null;
  return kind === 'rx' ? 'device.rxRingSlots' : 'device.txRingSlots';
}
