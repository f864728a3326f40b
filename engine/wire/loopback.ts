import { u16, u32, u32le } from '../base/index.ts';
import { dissectEthertype } from './ethernet.ts';
import { passTo } from './payload.ts';
import { hexNumber, markShort } from './reader.ts';
import { register, type DissectContext } from './registry.ts';

export const NULL_HEADER_BYTES = 4;

/** BSD address families: AF_INET is 2 everywhere, AF_INET6 differs by system. */
const FAMILY_ETHERTYPE: Readonly<Record<number, number>> = { 2: 0x0800, 10: 0x86dd, 24: 0x86dd, 28: 0x86dd, 30: 0x86dd };
const FAMILY_NAMES: Readonly<Record<number, string>> = {
  2: 'IP',
  7: 'ISO',
  10: 'IPv6 (Linux)',
  16: 'AppleTalk',
  23: 'IPX',
  24: 'IPv6 (NetBSD, OpenBSD)',
  28: 'IPv6 (FreeBSD)',
  30: 'IPv6 (Darwin)',
};

/** The address family, in the byte order of the machine that captured: whichever order gives the smaller number. */
export const nullView = {
  check: (_b: Uint8Array, o: number, end: number): boolean => o + NULL_HEADER_BYTES <= end,
  family: (b: Uint8Array, o: number): number => Math.min(u32(b, o), u32le(b, o)),
};

function familyField(context: DissectContext, family: number, start: number): void {
  context.tree.field('null.family', 'Family', `${FAMILY_NAMES[family] ?? 'Unknown'} (${family})`, start, 4, { raw: family });
}

function dissectNull(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  tree.layer('null', 'Null/Loopback', start, Math.min(end - start, NULL_HEADER_BYTES));
  tree.protocol = 'Null/Loopback';
  if (!nullView.check(bytes, start, end)) {
    markShort(context, 'Null/Loopback', end);
    tree.close();
    return;
  }
  // 0xff 0x03 is PPP: some systems put PPP frames under this link type.
  if (bytes[start] === 0xff && bytes[start + 1] === 0x03) {
    tree.close();
    passTo(context, 'linktype', 9, start, end, wireEnd);
    return;
  }
  // Cisco HDLC's address and control, then an EtherType: some systems put that here.
  if (bytes[start] === 0x0f && bytes[start + 1] === 0) {
    tree.field('null.type', 'Type', hexNumber(u16(bytes, start + 2), 4), start + 2, 2, { raw: u16(bytes, start + 2) });
    tree.close();
    dissectEthertype(context, u16(bytes, start + 2), start + 4, end, wireEnd);
    return;
  }
  const family = nullView.family(bytes, start);
  if (family > 0xffff || family <= 0) {
    tree.field('null.family', 'Family', String(u32(bytes, start)), start, 4, { raw: u32(bytes, start) });
    tree.close();
    passTo(context, 'ethertype', -1, start + 4, end, wireEnd);
    return;
  }
  // Families above the BSD range are EtherTypes, put there by some tunnels.
  if (family > 1536) {
    tree.field('null.type', 'Type', String(family), start, 4, { raw: family });
    tree.close();
    dissectEthertype(context, family, start + 4, end, wireEnd);
    return;
  }
  familyField(context, family, start);
  tree.close();
  passTo(context, 'ethertype', FAMILY_ETHERTYPE[family] ?? -1, start + 4, end, wireEnd);
}

/** OpenBSD's LINKTYPE_LOOP: the same with the family in network order. */
function dissectLoop(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  tree.layer('null', 'Null/Loopback', start, Math.min(end - start, NULL_HEADER_BYTES));
  tree.protocol = 'Null/Loopback';
  if (!nullView.check(bytes, start, end)) {
    markShort(context, 'Null/Loopback', end);
    tree.close();
    return;
  }
  const family = u32(bytes, start);
  familyField(context, family, start);
  tree.close();
  passTo(context, 'ethertype', FAMILY_ETHERTYPE[family] ?? -1, start + 4, end, wireEnd);
}

export function registerLoopback(): void {
  register('linktype', [0], dissectNull);
  register('linktype', [108], dissectLoop);
}
