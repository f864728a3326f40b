import { u16, u24 } from '../base/index.ts';
import { ETHERTYPE_NAMES } from './names.ts';
import { passOn, passTo } from './payload.ts';
import { hexNumber, markShort } from './reader.ts';
import { lookup, register, type DissectContext } from './registry.ts';

/** IEEE 802.2: DSAP, SSAP, control (one byte for unnumbered frames, two otherwise), and SNAP where both SAPs are 0xaa. */
export const llcView = {
  check: (b: Uint8Array, o: number, end: number): boolean => o + 3 <= end && o + 2 + llcView.controlBytes(b, o) <= end,
  dsap: (b: Uint8Array, o: number): number => b[o]!,
  ssap: (b: Uint8Array, o: number): number => b[o + 1]!,
  controlBytes: (b: Uint8Array, o: number): number => ((b[o + 2]! & 3) === 3 ? 1 : 2),
};

const SAP_NAMES: Readonly<Record<number, string>> = {
  0x00: 'NULL LSAP',
  0x06: 'TCP/IP',
  0x42: 'Spanning Tree BPDU',
  0xaa: 'SNAP',
  0xe0: 'NetWare',
  0xf0: 'NetBIOS',
  0xfe: 'ISO Network Layer',
  0xff: 'Global DSAP',
};

/** Organisation codes whose SNAP protocol identifier is an EtherType. */
const ETHERTYPE_OUIS: ReadonlySet<number> = new Set([0x000000, 0x0000f8]);

export function dissectLlc(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  const node = tree.layer('llc', 'Logical-Link Control', start, Math.min(end - start, 3));
  tree.protocol = 'LLC';
  if (!llcView.check(bytes, start, end)) {
    markShort(context, 'LLC', end);
    tree.close();
    return;
  }
  const dsap = llcView.dsap(bytes, start);
  const controlBytes = llcView.controlBytes(bytes, start);
  const ssap = llcView.ssap(bytes, start);
  const unnumbered = controlBytes === 1;
  tree.field('llc.dsap', 'DSAP', `${SAP_NAMES[dsap & 0xfe] ?? 'Unknown'} (${hexNumber(dsap, 2)})`, start, 1, { raw: dsap });
  tree.field('llc.ssap', 'SSAP', `${SAP_NAMES[ssap & 0xfe] ?? 'Unknown'} (${hexNumber(ssap, 2)})`, start + 1, 1, { raw: ssap });
  const control = unnumbered ? bytes[start + 2]! : u16(bytes, start + 2);
  tree.field('llc.control', 'Control field', hexNumber(control, controlBytes * 2), start + 2, controlBytes, { raw: control });
  tree.info = `${unnumbered ? 'U' : (control & 0x100) !== 0 ? 'S' : 'I'}; DSAP ${hexNumber(dsap, 2)}, SSAP ${hexNumber(ssap & 0xfe, 2)}`;
  let at = start + 2 + controlBytes;
  node.length = at - start;
  if (dsap === 0xaa && ssap === 0xaa && unnumbered) {
    if (at + 5 > end) {
      markShort(context, 'LLC SNAP', end);
      tree.close();
      return;
    }
    const oui = u24(bytes, at);
    const type = u16(bytes, at + 3);
    tree.field('llc.oui', 'Organization Code', hexNumber(oui, 6), at, 3, { raw: oui });
    tree.field('llc.type', 'Type', `${ETHERTYPE_NAMES[type] ?? 'Unknown'} (${hexNumber(type, 4)})`, at + 3, 2, { raw: type });
    at += 5;
    node.length = at - start;
    tree.close();
    passTo(context, 'ethertype', ETHERTYPE_OUIS.has(oui) ? type : -1, at, end, wireEnd);
    return;
  }
  tree.close();
  passOn(context, unnumbered ? lookup('llc.dsap', dsap) : undefined, at, end, wireEnd);
}

export function registerLlc(): void {
  register('ethertype', [0x8870], dissectLlc);
}
