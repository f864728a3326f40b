import { putU16, putU32, u16, u24 } from '../base/index.ts';
import { dissectEthernet } from './ethernet.ts';
import { ETHERTYPE_NAMES } from './names.ts';
import { passOn } from './payload.ts';
import { FieldReader, flagBit, hexNumber } from './reader.ts';
import { lookup, MAX_TUNNELS, register, type DissectContext } from './registry.ts';

export const GENEVE_HEADER_BYTES = 8;
export const GENEVE_PORT = 6081;

/** RFC 8926 section 3.4. `check` covers the options. */
export const geneveView = {
  check: (b: Uint8Array, o: number, end: number): boolean => o + GENEVE_HEADER_BYTES <= end && o + geneveView.headerLength(b, o) <= end,
  version: (b: Uint8Array, o: number): number => b[o]! >> 6,
  headerLength: (b: Uint8Array, o: number): number => GENEVE_HEADER_BYTES + (b[o]! & 0x3f) * 4,
  protocol: (b: Uint8Array, o: number): number => u16(b, o + 2),
  vni: (b: Uint8Array, o: number): number => u24(b, o + 4),
};

/** Writes a header without options. */
export function emitGeneve(b: Uint8Array, o: number, vni: number, protocol: number): number {
  putU16(b, o, 0);
  putU16(b, o + 2, protocol);
  putU32(b, o + 4, (vni << 8) >>> 0);
  return GENEVE_HEADER_BYTES;
}

function dissectGeneve(context: DissectContext, start: number, end: number): void {
  const { tree } = context;
  const wireEnd = context.wireEnd;
  const node = tree.layer('geneve', 'Generic Network Virtualization Encapsulation', start, Math.min(end - start, GENEVE_HEADER_BYTES));
  tree.protocol = 'Geneve';
  const r = new FieldReader(context, start, end);
  const first = r.peek8();
  r.skip(1);
  if (!r.short) {
    tree.field('geneve.version', 'Version', String(first >> 6), start, 1, { raw: first >> 6 });
    tree.field('geneve.option.length', 'Length', `${(first & 63) * 4} bytes`, start, 1, { raw: (first & 63) * 4 });
  }
  const flags = r.u8('geneve.flags', 'Flags', 'hex');
  flagBit(tree, 'geneve.flags.oam', 'Operations, Administration and Management Frame', flags, 0x80, start + 1, 1);
  flagBit(tree, 'geneve.flags.critical', 'Critical Options Present', flags, 0x40, start + 1, 1);
  const protocol = r.u16('geneve.proto_type', 'Protocol Type', (v) => `${ETHERTYPE_NAMES[v] ?? 'Unknown'} (${hexNumber(v, 4)})`);
  const vni = r.u24('geneve.vni', 'Virtual Network Identifier (VNI)', 'hex');
  r.u8('geneve.reserved', 'Reserved', 'hex');
  if (!r.short) options(r.sub((first & 63) * 4));
  node.length = r.pos - start;
  r.finish('Geneve');
  tree.info = `Encapsulated ${ETHERTYPE_NAMES[protocol] ?? hexNumber(protocol, 4)}, VNI ${hexNumber(vni, 6)}`;
  tree.close();
  if (r.short) return;
  context.tunnels++;
  const next = protocol === 0x6558 ? dissectEthernet : lookup('ethertype', protocol);
  passOn(context, context.tunnels > MAX_TUNNELS ? undefined : next, r.pos, end, wireEnd);
  context.tunnels--;
}

function options(r: FieldReader): void {
  while (r.more) {
    r.group('geneve.option', 'Option', () => {
      const kind = r.u16('geneve.option.class', 'Class', 'hex');
      const type = r.u8('geneve.option.type', 'Type', 'hex');
      const words = r.u8('geneve.option.words', 'Length', (v) => `${(v & 31) * 4} bytes`) & 31;
      r.hexBytes('geneve.option.unknown.data', 'Unknown Option Data', words * 4);
      return `class ${hexNumber(kind, 4)}, type ${hexNumber(type, 2)}`;
    });
  }
  if (r.short) r.tree.expert('warn', 'Option goes past the options');
}

export function registerGeneve(): void {
  register('udp.port', [GENEVE_PORT], dissectGeneve);
}
