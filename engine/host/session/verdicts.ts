import { VERDICTS, type Scenario } from '../../contract/index.ts';
import type { PacketIndex } from '../../files/index.ts';
import { multicastDetail, type VerdictSink } from '../../lab/index.ts';
import { DROP_REASONS } from '../../stack/index.ts';
import { REASONS } from '../../translator/index.ts';

const VERDICT_DROPPED = VERDICTS.indexOf('dropped');
const VERDICT_DELIVERED = VERDICTS.indexOf('delivered');
const VERDICT_TRANSLATED = VERDICTS.indexOf('translated');
const VERDICT_REFUSED = VERDICTS.indexOf('refused');
const VERDICT_FORWARDED = VERDICTS.indexOf('forwarded');

/**
 * Packets of a live capture that get a verdict while it runs; a spool file of its largest size holds fewer. The memory is
 * address space only until it is written.
 */
export const MAX_LIVE_VERDICTS = 2 ** 27;

/** Verdict bytes of a run, two a packet, in memory that lanes share. */
export function newVerdicts(packets: number): VerdictSink {
  return {
    verdict: new Uint8Array(new SharedArrayBuffer(Math.max(1, packets))),
    detail: new Uint8Array(new SharedArrayBuffer(Math.max(1, packets))),
  };
}

/** Dropped packets by time, in equal bins of [fromNs, toNs]. */
export function dropsByBin(
  index: PacketIndex,
  { verdict }: VerdictSink,
  range: { readonly fromNs: number; readonly toNs: number; readonly bins: number; readonly binNs: number },
): Uint32Array {
  const drops = new Uint32Array(range.bins);
  for (let at = verdict.indexOf(VERDICT_DROPPED); at >= 0 && at < index.count; at = verdict.indexOf(VERDICT_DROPPED, at + 1)) {
    const tNs = index.tsNs(at + 1);
    if (tNs < range.fromNs || tNs > range.toNs) continue;
    drops[Math.min(range.bins - 1, Math.floor((tNs - range.fromNs) / range.binNs))]!++;
  }
  return drops;
}

/** What a verdict's detail byte stands for: the drop reason, or the port that took the packet. */
export function verdictText(verdict: number, detail: number, scenario: Scenario): string {
  if (verdict === VERDICT_DROPPED) return DROP_REASONS[detail]?.name ?? '';
  if (verdict === VERDICT_DELIVERED) return portName(detail, scenario);
  if (verdict === VERDICT_FORWARDED || (verdict === VERDICT_REFUSED && multicastDetail(detail) !== '')) return multicastDetail(detail);
  if (verdict === VERDICT_TRANSLATED || verdict === VERDICT_REFUSED) return REASONS.find(({ code }) => code === detail)?.text ?? '';
  return '';
}

/** Port numbers of verdicts: 0 is the device, 1 the host port, then the user ports as they stand in the scenario. */
function portName(number: number, scenario: Scenario): string {
  if (number === 0) return 'device';
  if (number === 1) return scenario.ports.find(({ kind }) => kind === 'host')?.id ?? 'host';
  return scenario.ports.filter(({ kind }) => kind !== 'host')[number - 2]?.id ?? '';
}
