import { putU16, u16 } from '../base/index.ts';
import { updateChecksumSums } from '../wire/index.ts';
import { PROTOCOL } from './packet-view.ts';

/** Offset of the checksum in the header of transports whose checksum covers the addresses, or -1. */
export function checksumOffset(protocol: number): number {
  switch (protocol) {
    case PROTOCOL.tcp:
      return 16;
    case PROTOCOL.udp:
    case PROTOCOL.udpLite:
    case PROTOCOL.dccp:
      return 6;
    default:
      return -1;
  }
}

/**
 * Puts new ports into the transport header at `t` (bytes to `available` are there) and changes its checksum by the difference between
 * the words it covered and those it covers now (RFC 1624, RFC 7915 sections 4.5 and 5.5): a checksum that was wrong stays wrong by
 * the same amount. A port below zero stays.
 */
export function patchTransport(
  out: Uint8Array,
  t: number,
  available: number,
  protocol: number,
  oldSum: number,
  newSum: number,
  sourcePort: number,
  destinationPort: number,
): void {
  let before = oldSum;
  let after = newSum;
  if (sourcePort >= 0 && t + 2 <= available) {
    before += u16(out, t);
    after += sourcePort;
    putU16(out, t, sourcePort);
  }
  if (destinationPort >= 0 && t + 4 <= available) {
    before += u16(out, t + 2);
    after += destinationPort;
    putU16(out, t + 2, destinationPort);
  }
  const offset = checksumOffset(protocol);
  if (offset < 0 || t + offset + 2 > available) return;
  const check = u16(out, t + offset);
  // Zero in UDP: the sender computed none (RFC 768, RFC 6935).
  if (protocol === PROTOCOL.udp && check === 0) return;
  const changed = updateChecksumSums(check, before, after);
  putU16(out, t + offset, changed === 0 && protocol === PROTOCOL.udp ? 0xffff : changed);
}
