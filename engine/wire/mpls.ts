import { putU32, u32 } from '../base/index.ts';
import { dissectEthernet } from './ethernet.ts';
import { passOn, passTo } from './payload.ts';
import { bitField, flagBit, markShort } from './reader.ts';
import { register, type DissectContext } from './registry.ts';

export const MPLS_LABEL_BYTES = 4;

/** RFC 3032 label stack entry. */
export const mplsView = {
  check: (_b: Uint8Array, o: number, end: number): boolean => o + MPLS_LABEL_BYTES <= end,
  label: (b: Uint8Array, o: number): number => u32(b, o) >>> 12,
  trafficClass: (b: Uint8Array, o: number): number => (b[o + 2]! >> 1) & 7,
  bottom: (b: Uint8Array, o: number): boolean => (b[o + 2]! & 1) !== 0,
  ttl: (b: Uint8Array, o: number): number => b[o + 3]!,
};

export interface MplsFields {
  readonly label: number;
  readonly trafficClass: number;
  readonly bottom: boolean;
  readonly ttl: number;
}

export function emitMpls(b: Uint8Array, o: number, fields: MplsFields): number {
  putU32(b, o, ((fields.label << 12) | (fields.trafficClass << 9) | (fields.bottom ? 0x100 : 0) | fields.ttl) >>> 0);
  return MPLS_LABEL_BYTES;
}

const RESERVED_LABELS: Readonly<Record<number, string>> = {
  0: 'IPv4 Explicit-Null',
  1: 'Router Alert',
  2: 'IPv6 Explicit-Null',
  3: 'Implicit-Null',
  7: 'Entropy Label Indicator',
  13: 'Generic Associated Channel Label (GAL)',
  14: 'OAM Alert',
};
const GAL = 13;
const FIRST_ORDINARY_LABEL = 16;

function dissectMpls(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  let at = start;
  tree.protocol = 'MPLS';
  tree.info = 'MPLS Label Switched Packet';
  for (;;) {
    const node = tree.layer('mpls', 'MultiProtocol Label Switching Header', at, Math.min(4, end - at));
    if (!mplsView.check(bytes, at, end)) {
      markShort(context, 'MPLS', end);
      tree.close();
      return;
    }
    const label = mplsView.label(bytes, at);
    node.value = `Label: ${label}, TTL: ${mplsView.ttl(bytes, at)}`;
    bitField(tree, 'mpls.label', 'MPLS Label', label, at, 3, (v) =>
      v < FIRST_ORDINARY_LABEL ? `${RESERVED_LABELS[v] ?? 'Reserved'} (${v})` : String(v),
    );
    bitField(tree, 'mpls.exp', 'MPLS Experimental Bits', mplsView.trafficClass(bytes, at), at + 2, 1);
    flagBit(tree, 'mpls.bottom', 'MPLS Bottom Of Label Stack', bytes[at + 2]!, 1, at + 2, 1);
    bitField(tree, 'mpls.ttl', 'MPLS TTL', mplsView.ttl(bytes, at), at + 3, 1);
    tree.close();
    const bottom = mplsView.bottom(bytes, at);
    at += MPLS_LABEL_BYTES;
    if (bottom) {
      mplsPayload(context, label, at, end, wireEnd);
      return;
    }
  }
}

/** No field says what follows the stack: the first nibble does (RFC 4928), for IP; 0 is a pseudowire control word. */
function mplsPayload(context: DissectContext, label: number, at: number, end: number, wireEnd: number): void {
  const nibble = at < end ? context.bytes[at]! >> 4 : -1;
  if (label === GAL) passOn(context, undefined, at, end, wireEnd);
  else if (nibble === 4 || nibble === 6) passTo(context, 'ethertype', nibble === 4 ? 0x0800 : 0x86dd, at, end, wireEnd);
  else if (nibble === 0 && looksLikeEthernet(context, at + 4, end)) {
    context.tree.layer('pwmcw', 'PW Ethernet Control Word', at, 4);
    context.tree.field('pwmcw.sequence_number', 'Sequence Number', String(u32(context.bytes, at) & 0xffff), at + 2, 2);
    context.tree.close();
    passOn(context, dissectEthernet, at + 4, end, wireEnd);
  } else passOn(context, undefined, at, end, wireEnd);
}

/** An Ethernet header behind a control word: a known EtherType where one would be. Anything less is shown as bytes. */
function looksLikeEthernet(context: DissectContext, at: number, end: number): boolean {
  if (at + 14 > end) return false;
  const type = (context.bytes[at + 12]! << 8) | context.bytes[at + 13]!;
  return type === 0x0800 || type === 0x86dd || type === 0x0806 || type === 0x8100 || type === 0x88a8;
}

export function registerMpls(): void {
  register('ethertype', [0x8847, 0x8848], dissectMpls);
  register('gre.proto', [0x8847, 0x8848], dissectMpls);
  register('ppp.protocol', [0x0281, 0x0283], dissectMpls);
  register('ip.proto', [137], dissectMpls);
  register('udp.port', [6635], dissectMpls);
  // LINKTYPE_MPLS
  register('linktype', [219], dissectMpls);
}
