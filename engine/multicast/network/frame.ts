import { emitEthernet, ETHERNET_HEADER_BYTES } from '../../wire/index.ts';
import { groupMac, type Family } from '../addresses.ts';

/** An IP packet in an Ethernet frame. Without `to` it goes to the group's address, or to all where the destination is no group. */
export function frameOf(packet: Uint8Array, family: Family, from: Uint8Array, to: Uint8Array | undefined): Uint8Array {
  const at = family === 4 ? 16 : 24;
  const destination = to ?? groupMac(packet.subarray(at, at + (family === 4 ? 4 : 16)));
  const b = new Uint8Array(ETHERNET_HEADER_BYTES + packet.length);
  emitEthernet(b, 0, { source: from, destination, type: family === 4 ? 0x0800 : 0x86dd });
  b.set(packet, ETHERNET_HEADER_BYTES);
  return b;
}

/** A locally administered address for end `end` of link `link`. */
export function macFor(link: number, end: number): Uint8Array {
  return Uint8Array.of(2, 0, link >>> 8, link & 255, end >>> 8, (end & 255) + 1);
}
