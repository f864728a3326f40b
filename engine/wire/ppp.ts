import { putU16, u16 } from '../base/index.ts';
import { FieldReader, hexNumber, markShort } from './reader.ts';
import { passTo } from './payload.ts';
import { register, type DissectContext } from './registry.ts';

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  0x0021: 'Internet Protocol version 4',
  0x0023: 'OSI Network Layer',
  0x002b: 'Novell IPX',
  0x0031: 'Bridging PDU',
  0x003d: 'Multi-Link',
  0x0057: 'Internet Protocol version 6',
  0x00fd: 'Compressed datagram',
  0x0281: 'MPLS Unicast',
  0x0283: 'MPLS Multicast',
  0x8021: 'Internet Protocol Control Protocol',
  0x8057: 'IPv6 Control Protocol',
  0x80fd: 'Compression Control Protocol',
  0xc021: 'Link Control Protocol',
  0xc023: 'Password Authentication Protocol',
  0xc025: 'Link Quality Report',
  0xc223: 'Challenge Handshake Authentication Protocol',
};

const SHORT_NAMES: Readonly<Record<number, string>> = {
  0x8021: 'PPP IPCP',
  0x8057: 'PPP IPV6CP',
  0x80fd: 'PPP CCP',
  0xc021: 'PPP LCP',
  0xc023: 'PPP PAP',
  0xc223: 'PPP CHAP',
};

const CODES: Readonly<Record<number, string>> = {
  1: 'Configuration Request',
  2: 'Configuration Ack',
  3: 'Configuration Nak',
  4: 'Configuration Reject',
  5: 'Termination Request',
  6: 'Termination Ack',
  7: 'Code Reject',
  8: 'Protocol Reject',
  9: 'Echo Request',
  10: 'Echo Reply',
  11: 'Discard Request',
};

/** RFC 1661 protocol field: one byte if its low bit is set (compressed), two otherwise. */
export const pppView = {
  check: (b: Uint8Array, o: number, end: number): boolean => o < end && ((b[o]! & 1) !== 0 || o + 2 <= end),
  protocolBytes: (b: Uint8Array, o: number): number => ((b[o]! & 1) !== 0 ? 1 : 2),
  protocol: (b: Uint8Array, o: number): number => ((b[o]! & 1) !== 0 ? b[o]! : u16(b, o)),
};

/** Writes an uncompressed protocol field and returns its length. */
export function emitPpp(b: Uint8Array, o: number, protocol: number): number {
  putU16(b, o, protocol);
  return 2;
}

/** PPP from its protocol field on, as in PPPoE and GRE. */
export function dissectPpp(context: DissectContext, start: number, end: number): void {
  context.tree.layer('ppp', 'Point-to-Point Protocol', start, 0);
  pppFromProtocol(context, start, end);
}

function pppFromProtocol(context: DissectContext, at: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  tree.protocol = 'PPP';
  if (!pppView.check(bytes, at, end)) {
    markShort(context, 'PPP', end);
    tree.close();
    return;
  }
  const protocol = pppView.protocol(bytes, at);
  const length = pppView.protocolBytes(bytes, at);
  const name = PROTOCOL_NAMES[protocol] ?? 'Unknown';
  tree.field('ppp.protocol', 'Protocol', `${name} (${hexNumber(protocol, 4)})`, at, length, { raw: protocol });
  tree.info = name;
  tree.close();
  passTo(context, 'ppp.protocol', protocol, at + length, end, wireEnd);
}

/** PPP in HDLC-like framing (RFC 1662): address 0xff and control may be left out. Cisco's framing begins with 0x0f or 0x8f. */
function dissectPppHdlc(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const first = start < end ? bytes[start]! : 0;
  if (first === 0x0f || first === 0x8f) {
    dissectCiscoHdlc(context, start, end);
    return;
  }
  tree.layer('ppp', 'Point-to-Point Protocol', start, Math.min(end - start, 4));
  let at = start;
  if (start + 2 <= end && first === 0xff) {
    tree.field('ppp.address', 'Address', hexNumber(bytes[start]!, 2), start, 1, { raw: bytes[start]! });
    tree.field('ppp.control', 'Control', hexNumber(bytes[start + 1]!, 2), start + 1, 1, { raw: bytes[start + 1]! });
    at += 2;
  }
  pppFromProtocol(context, at, end);
}

const SLARP = 0x8035;
const SLARP_TYPES: Readonly<Record<number, string>> = { 0: 'Request', 1: 'Reply', 2: 'Line keepalive' };

function dissectSlarp(context: DissectContext, start: number, end: number, wireEnd: number): void {
  const { tree } = context;
  context.wireEnd = wireEnd;
  tree.layer('slarp', 'Cisco SLARP', start, end - start);
  tree.protocol = 'SLARP';
  const r = new FieldReader(context, start, end);
  const type = r.u32('slarp.ptype', 'Packet type', SLARP_TYPES);
  if (type === 2) {
    r.u32('slarp.mysequence', 'Outgoing sequence number');
    r.u32('slarp.yoursequence', 'Returned sequence number');
  } else {
    r.ipv4('slarp.address', 'Address');
    r.ipv4('slarp.netmask', 'Netmask');
  }
  r.finish('SLARP');
  tree.info = SLARP_TYPES[type] ?? 'Unknown';
  tree.close();
}

/** Cisco HDLC: address, control, EtherType. */
function dissectCiscoHdlc(context: DissectContext, start: number, end: number): void {
  const { tree } = context;
  const wireEnd = context.wireEnd;
  tree.layer('chdlc', 'Cisco HDLC', start, Math.min(end - start, 4));
  tree.protocol = 'CHDLC';
  const r = new FieldReader(context, start, end);
  r.u8('chdlc.address', 'Address', 'hex');
  r.u8('chdlc.control', 'Control', 'hex');
  const type = r.u16('chdlc.protocol', 'Protocol', 'hex');
  r.finish('Cisco HDLC');
  tree.close();
  // 0x8035 is RARP on Ethernet and SLARP, Cisco's keepalive, here.
  if (!r.short && type === SLARP) dissectSlarp(context, r.pos, end, wireEnd);
  else if (!r.short) passTo(context, 'ethertype', type, r.pos, end, wireEnd);
}

/** LCP and the network control protocols share one format (RFC 1661 section 5). */
function controlProtocol(protocol: number): (context: DissectContext, start: number, end: number) => void {
  const label = SHORT_NAMES[protocol] ?? 'PPP control';
  const prefix = label.slice(4).toLowerCase();
  return (context, start, end) => {
    const { tree } = context;
    tree.layer(prefix, PROTOCOL_NAMES[protocol] ?? label, start, end - start);
    tree.protocol = label;
    const r = new FieldReader(context, start, end);
    const code = r.u8('ppp.code', 'Code', CODES);
    r.u8('ppp.identifier', 'Identifier');
    const length = r.u16('ppp.length', 'Length');
    if (!r.short) tree.info = CODES[code] ?? `Code ${code}`;
    if (code >= 1 && code <= 4) {
      const options = r.sub(length - 4);
      while (options.more) {
        options.group('ppp.option', 'Option', () => {
          const type = options.u8('ppp.opt.type', 'Type');
          const size = options.u8('ppp.opt.length', 'Length');
          if (size < 2) options.short = true;
          options.hexBytes('ppp.opt.data', 'Data', size - 2);
          return `type ${type}, ${size} bytes`;
        });
      }
      options.finish(label);
    } else r.hexBytes('ppp.data', 'Data', Math.min(r.left, length - 4));
    r.finish(label);
    tree.close();
  };
}

export function registerPpp(): void {
  register('linktype', [9, 50, 166], dissectPppHdlc);
  register('linktype', [104], dissectCiscoHdlc);
  register('gre.proto', [0x880b], dissectPppHdlc);
  for (const protocol of [0xc021, 0x8021, 0x8057, 0x80fd, 0xc023, 0xc223]) {
    register('ppp.protocol', [protocol], controlProtocol(protocol));
  }
}
