import { putU16, u16 } from '../base/index.ts';
import { dissectPpp } from './ppp.ts';
import { passOn } from './payload.ts';
import { bitField, FieldReader, hexNumber, markShort } from './reader.ts';
import { register, type DissectContext } from './registry.ts';

export const PPPOE_HEADER_BYTES = 6;

/** RFC 2516 section 4: version and type, code, session, length of the payload. */
export const pppoeView = {
  check: (_b: Uint8Array, o: number, end: number): boolean => o + PPPOE_HEADER_BYTES <= end,
  code: (b: Uint8Array, o: number): number => b[o + 1]!,
  sessionId: (b: Uint8Array, o: number): number => u16(b, o + 2),
  payloadLength: (b: Uint8Array, o: number): number => u16(b, o + 4),
};

export interface PppoeFields {
  readonly code: number;
  readonly sessionId: number;
  readonly payloadLength: number;
}

export function emitPppoe(b: Uint8Array, o: number, fields: PppoeFields): number {
  b[o] = 0x11;
  b[o + 1] = fields.code;
  putU16(b, o + 2, fields.sessionId);
  putU16(b, o + 4, fields.payloadLength);
  return PPPOE_HEADER_BYTES;
}

const CODES: Readonly<Record<number, string>> = {
  0x00: 'Session Data',
  0x07: 'Active Discovery Offer (PADO)',
  0x09: 'Active Discovery Initiation (PADI)',
  0x0a: 'Session-Grant (PADG)',
  0x0b: 'Session-Credit Response (PADC)',
  0x0c: 'Quality (PADQ)',
  0x19: 'Active Discovery Request (PADR)',
  0x65: 'Active Discovery Session-confirmation (PADS)',
  0xa7: 'Active Discovery Terminate (PADT)',
  0xd3: 'Active Discovery Message (PADM)',
  0xd4: 'Active Discovery Network (PADN)',
};

const TAGS: Readonly<Record<number, string>> = {
  0x0000: 'End-Of-List',
  0x0101: 'Service-Name',
  0x0102: 'AC-Name',
  0x0103: 'Host-Uniq',
  0x0104: 'AC-Cookie',
  0x0105: 'Vendor-Specific-Information',
  0x0106: 'Credits',
  0x0110: 'Relay-Session-Id',
  0x0120: 'PPP-Max-Payload',
  0x0201: 'Service-Name-Error',
  0x0202: 'AC-System-Error',
  0x0203: 'Generic-Error',
};

/** Header fields; returns false if they do not fit. */
function header(context: DissectContext, start: number, end: number, label: string): boolean {
  const { tree, bytes } = context;
  if (!pppoeView.check(bytes, start, end)) {
    markShort(context, label, end);
    return false;
  }
  bitField(tree, 'pppoe.version', 'Version', bytes[start]! >> 4, start, 1);
  bitField(tree, 'pppoe.type', 'Type', bytes[start]! & 15, start, 1);
  const code = pppoeView.code(bytes, start);
  tree.field('pppoe.code', 'Code', `${CODES[code] ?? 'Unknown'} (${hexNumber(code, 2)})`, start + 1, 1, { raw: code });
  const session = pppoeView.sessionId(bytes, start);
  tree.field('pppoe.session_id', 'Session ID', hexNumber(session, 4), start + 2, 2, { raw: session });
  const length = pppoeView.payloadLength(bytes, start);
  tree.field('pppoe.payload_length', 'Payload Length', String(length), start + 4, 2, { raw: length });
  return true;
}

function dissectDiscovery(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  tree.layer('pppoed', 'PPP-over-Ethernet Discovery', start, end - start);
  tree.protocol = 'PPPoED';
  if (header(context, start, end, 'PPPoED')) {
    tree.info = CODES[pppoeView.code(bytes, start)] ?? 'Unknown code';
    const length = pppoeView.payloadLength(bytes, start);
    const networkEnd = start + PPPOE_HEADER_BYTES + length;
    if (context.networkEnd < 0) context.networkEnd = networkEnd;
    const r = new FieldReader(context, start + PPPOE_HEADER_BYTES, Math.min(end, networkEnd));
    while (r.more) {
      r.group('pppoed.tag_node', 'Tag', () => {
        const tag = r.u16('pppoed.tag', 'Type', TAGS);
        const size = r.u16('pppoed.tag_length', 'Length');
        r.textBytes('pppoed.tag.data', 'Data', size);
        return TAGS[tag] ?? hexNumber(tag, 4);
      });
    }
    r.finish('PPPoED');
  }
  tree.close();
}

function dissectSession(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  tree.layer('pppoes', 'PPP-over-Ethernet Session', start, Math.min(end - start, PPPOE_HEADER_BYTES));
  tree.protocol = 'PPPoES';
  const ok = header(context, start, end, 'PPPoES');
  tree.close();
  if (!ok) return;
  const stop = Math.min(wireEnd, start + PPPOE_HEADER_BYTES + pppoeView.payloadLength(bytes, start));
  if (context.networkEnd < 0) context.networkEnd = stop;
  passOn(context, dissectPpp, start + PPPOE_HEADER_BYTES, Math.min(end, stop), stop);
}

export function registerPppoe(): void {
  register('ethertype', [0x8863], dissectDiscovery);
  register('ethertype', [0x8864], dissectSession);
  // LINKTYPE_PPP_ETHER: a PPPoE header with no Ethernet in front.
  register('linktype', [51], dissectSession);
}
