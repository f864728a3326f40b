import { u16 } from '../base/index.ts';
import { sum16, sumIsGood, type ChecksumVerdict } from './checksum.ts';
import { dissectIpv4 } from './ipv4.ts';
import { dissectIpv6 } from './ipv6.ts';
import { passOn } from './payload.ts';
import { dissectPimBody } from './pim-messages.ts';
import { bitField, checksumFields, FieldReader, markShort } from './reader.ts';
import { register, type DissectContext } from './registry.ts';
import { pseudoSum } from './udp.ts';

export const PIM_HEADER_BYTES = 4;

/** RFC 7761 section 4.9. */
export const pimView = {
  check: (_b: Uint8Array, o: number, end: number): boolean => o + PIM_HEADER_BYTES <= end,
  version: (b: Uint8Array, o: number): number => b[o]! >> 4,
  type: (b: Uint8Array, o: number): number => b[o]! & 15,
  checksum: (b: Uint8Array, o: number): number => u16(b, o + 2),
};

const TYPES: Readonly<Record<number, string>> = {
  0: 'Hello',
  1: 'Register',
  2: 'Register-stop',
  3: 'Join/Prune',
  4: 'Bootstrap',
  5: 'Assert',
  6: 'Graft',
  7: 'Graft-Ack',
  8: 'Candidate-RP-Advertisement',
  9: 'State-Refresh',
  10: 'DF election',
  11: 'ECMP redirect',
  12: 'PFM',
  13: 'PIM extension',
};
const REGISTER = 1;
/** The checksum of a register covers its header and flags only (section 4.9.3). */
const REGISTER_CHECKED_BYTES = 8;

/** Some senders check all of a register, and receivers take both. */
function verdictOf(context: DissectContext, type: number, start: number, end: number, wireEnd: number): ChecksumVerdict {
  const { bytes } = context;
  if (context.fragmented || context.ipVersion === 0) return 'unverified';
  const good = (stop: number): boolean => {
    const version = context.ipVersion === 0 ? 4 : context.ipVersion;
    const pseudo = version === 6 ? pseudoSum(bytes, 6, context.ipSource, context.ipDestination, 103, stop - start) : 0;
    return sumIsGood(sum16(bytes, start, stop, pseudo));
  };
  const part = start + REGISTER_CHECKED_BYTES;
  if (type === REGISTER && part <= end && good(part)) return 'good';
  if (wireEnd > end) return 'unverified';
  return good(end) ? 'good' : 'bad';
}

function dissectPim(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  tree.layer('pim', 'Protocol Independent Multicast', start, end - start);
  tree.protocol = 'PIM';
  if (!pimView.check(bytes, start, end)) {
    if (start < end) pimStart(context, start);
    markShort(context, 'PIM', end);
    tree.close();
    return;
  }
  const version = pimView.version(bytes, start);
  const type = pimView.type(bytes, start);
  tree.protocol = version === 1 ? 'PIMv1' : version === 2 ? 'PIMv2' : 'PIM';
  tree.info = TYPES[type] ?? `Unknown type ${type}`;
  pimStart(context, start);
  const r = new FieldReader(context, start + 1, end);
  r.u8('pim.res_bytes', 'Reserved byte(s)', 'hex');
  checksumFields(tree, 'pim', pimView.checksum(bytes, start), start + 2, 2, verdictOf(context, type, start, end, wireEnd), 'cksum');
  r.skip(2);
  if (version !== 2) {
    r.hexBytes('pim.data', 'Data', r.left);
    tree.close();
    return;
  }
  if (type === REGISTER) registered(context, r, end, wireEnd);
  else dissectPimBody(context, r, type);
  r.finish('PIM');
  tree.close();
}

function pimStart(context: DissectContext, start: number): void {
  const { tree, bytes } = context;
  bitField(tree, 'pim.version', 'Version', pimView.version(bytes, start), start, 1);
  bitField(tree, 'pim.type', 'Type', pimView.type(bytes, start), start, 1, TYPES);
}

/** Flags, then the multicast packet itself. */
function registered(context: DissectContext, r: FieldReader, end: number, wireEnd: number): void {
  const { tree, bytes } = context;
  const at = r.pos;
  const flags = r.u32('pim.register_flag', 'Flags', 'hex');
  if (r.short) return;
  tree.field('pim.register_flag.border', 'Border', (flags & 0x80000000) !== 0 ? 'Yes' : 'No', at, 4, { raw: (flags & 0x80000000) !== 0 });
  const isNull = (flags & 0x40000000) !== 0;
  tree.field('pim.register_flag.null_register', 'Null-Register', isNull ? 'Yes' : 'No', at, 4, { raw: isNull });
  const nibble = r.peek8() >> 4;
  if (isNull) tree.info = 'Null-register';
  const next = nibble === 4 ? dissectIpv4 : nibble === 6 ? dissectIpv6 : undefined;
  if (r.pos >= bytes.length) return;
  const body = (): void => passOn(context, next, r.pos, end, wireEnd);
  // The dummy header of a null register is no packet on its way: it is quoted.
  if (isNull) {
    const saved = context.inError;
    context.inError = true;
    tree.quote(body);
    context.inError = saved;
  } else body();
}

export function registerPim(): void {
  register('ip.proto', [103], dissectPim);
}
