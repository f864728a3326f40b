import { u16 } from '../base/index.ts';
import type { TranslationEvent } from '../contract/index.ts';
import { formatIpv4, formatIpv6 } from '../wire/index.ts';
import { FRAGMENT_BYTES, IPV4_BYTES, IPV6_BYTES, PacketView, PROTOCOL } from './packet-view.ts';
import { REASON, reasonOf } from './reasons.ts';

/** Drops that the RFC wants told to whoever manages the translator: RFC 7915 sections 4.5 (UDP without checksum) and 5.1.1, RFC 6384 section 12. */
const TOLD: ReadonlySet<number> = new Set([
  REASON.udpZeroDropped,
  REASON.udpZeroFragment,
  REASON.udpZeroTruncated,
  REASON.fragmentBeforeExtension,
  REASON.ftpClosed,
]);

/** Whether a packet with this reason makes an event. */
export function isEvent(code: number): boolean {
  return TOLD.has(code);
}

/** The event about a packet with a reason of `isEvent`, whose IP header begins at `from` and of which bytes to `to` are there. */
export function eventOf(code: number, side: 4 | 6, bytes: Uint8Array, from: number, to: number): TranslationEvent {
  const { id, rfc } = reasonOf(code);
  const head = { event: id, rfc, side };
  return side === 4 ? { ...head, ...ends4(bytes, from, to) } : { ...head, ...ends6(bytes, from, to) };
}

type Ends = Omit<TranslationEvent, 'event' | 'rfc' | 'side'>;

function ends4(b: Uint8Array, o: number, to: number): Ends {
  const view = new PacketView();
  const known = view.parse4(b, o, to - o, Number.POSITIVE_INFINITY, true, false) === 0;
  const addresses = to - o >= IPV4_BYTES ? { source: formatIpv4(b, o + 12), destination: formatIpv4(b, o + 16) } : NO_ADDRESSES;
  return { ...addresses, protocol: known ? view.protocol : 0, ...(known && view.capturedBytes >= 4 && portsAt(b, view.transport)) };
}

/** An extension header behind the fragment header: the ports would be behind it, where nobody reads on; its number says what was there. */
function ends6(b: Uint8Array, o: number, to: number): Ends {
  const addresses = to - o >= IPV6_BYTES ? { source: formatIpv6(b, o + 8), destination: formatIpv6(b, o + 24) } : NO_ADDRESSES;
  let next = to - o >= IPV6_BYTES ? b[o + 6]! : 0;
  let at = o + IPV6_BYTES;
  while (next !== PROTOCOL.fragment && at + 8 <= to && (next === 0 || next === 43 || next === 60)) {
    const bytes = 8 + b[at + 1]! * 8;
    next = b[at]!;
    at += bytes;
  }
  const header = next === PROTOCOL.fragment && at + FRAGMENT_BYTES <= to ? b[at]! : next;
  return { ...addresses, protocol: header };
}

const NO_ADDRESSES = { source: '', destination: '' };

function portsAt(b: Uint8Array, t: number): Pick<TranslationEvent, 'sourcePort' | 'destinationPort'> {
  return { sourcePort: u16(b, t), destinationPort: u16(b, t + 2) };
}
