import type { Window } from './window.ts';

/** A layout of record headers. Three of them hide behind the standard magic number and two behind the modified one. */
export interface PcapVariant {
  readonly name: 'pcap' | 'nsecpcap' | 'modpcap990417' | 'modpcap990915' | 'modpcap991029' | 'nokiapcap';
  readonly headerBytes: number;
}

const STANDARD: readonly PcapVariant[] = [
  { name: 'pcap', headerBytes: 16 },
  { name: 'modpcap990417', headerBytes: 24 },
  { name: 'nokiapcap', headerBytes: 20 },
];
const MODIFIED: readonly PcapVariant[] = [
  { name: 'modpcap991029', headerBytes: 24 },
  { name: 'modpcap990915', headerBytes: 28 },
];

/** Records that are tried. More would only cost time: a wrong layout goes astray at the second record. */
const RECORDS_TO_TRY = 4;

/** Original lengths from here on are taken as a sign of a wrong layout. */
const DOUBTFUL_LENGTH = 128 * 1024 * 1024;

/** Interface indexes of Linux systems of 1999; a larger one is a sign of a wrong layout. */
const DOUBTFUL_IFINDEX = 10_000;

/**
 * Chooses the layout whose first records make most sense: the one with the fewest contradictions, the standard one when in
 * doubt. Looks only at what the first chunk holds.
 */
export function chooseVariant(w: Window, modified: boolean, little: boolean, snapLenBytes: number, maxCaptured: number): PcapVariant {
  const candidates = modified ? MODIFIED : STANDARD;
  w.ensure(Math.min(w.bytes.length, w.remaining));
  let best = candidates[0]!;
  let fewest = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const n = contradictions(w, candidate, little, snapLenBytes, maxCaptured);
    if (n < fewest) {
      fewest = n;
      best = candidate;
    }
  }
  return best;
}

function contradictions(w: Window, variant: PcapVariant, little: boolean, snapLenBytes: number, maxCaptured: number): number {
  const { view, end } = w;
  let at = w.start;
  let bad = 0;
  for (let i = 0; i < RECORDS_TO_TRY && at < end; i++) {
    if (at + variant.headerBytes > end) return bad + (w.remaining > w.available ? 0 : 1);
    const cap = view.getUint32(at + 8, little);
    const orig = view.getUint32(at + 12, little);
    if (view.getUint32(at + 4, little) >= 1_000_000) bad++;
    if (cap > maxCaptured) bad++;
    if (snapLenBytes > 0 && cap > snapLenBytes) bad++;
    if (orig > DOUBTFUL_LENGTH) bad++;
    if (cap > orig) bad++;
    if (variant.headerBytes >= 24) bad += oddLinuxFields(view, at + 16, little);
    if (variant.headerBytes === 20) bad += oddNokiaField(view.getUint32(at + 16, little));
    if (cap > maxCaptured) return bad;
    at += variant.headerBytes + cap;
    if (at > end && w.remaining === w.available) return bad + 1;
  }
  return bad;
}

/** Interface index, protocol and packet type as the Linux patches of 1999 wrote them. */
function oddLinuxFields(view: DataView, at: number, little: boolean): number {
  const protocol = view.getUint16(at + 4, little);
  const known = protocol >= 0x600 || protocol <= 0x17 || protocol === 0x60 || protocol === 0x200 || protocol === 0x400;
  return (view.getUint32(at, little) > DOUBTFUL_IFINDEX ? 1 : 0) + (known ? 0 : 1) + (view.getUint8(at + 6) > 4 ? 1 : 0);
}

/** Nokia's extra word has been seen as 0x[9b]fbf[bd][69]0[12] only. */
function oddNokiaField(word: number): number {
  return /^[9b]fbf[bd][69]0[12]$/.test(word.toString(16).padStart(8, '0')) ? 0 : 1;
}
