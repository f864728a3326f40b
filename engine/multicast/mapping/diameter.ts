import { err, ok, u16, u24, u32, type Result } from '../../base/index.ts';
import { formatPrefix6 } from '../../translator/index.ts';
import type { ProvisionedPrefixes } from './option-113.ts';
import { prefixAt, type Found, type Provisioning } from './provisioned.ts';

const TCP = 6;
const SCTP = 132;
/** RFC 6733 section 2.1. */
const PORT = 3868;
const VERSION = 1;
const HEADER_BYTES = 20;
const REQUEST = 0x80;
const ERROR = 0x20;
const VENDOR = 0x80;

/** Payload protocol of Diameter in an SCTP chunk, and the flags of a chunk that holds a whole message (RFC 9260 section 3.3.1). */
const SCTP_DATA = 0;
const SCTP_DIAMETER = 46;
const SCTP_WHOLE = 3;

/** AVP codes of the IANA registry: RFC 7678, RFC 5777 (IP-Address), RFC 4818 (Delegated-IPv6-Prefix), RFC 6733 (Result-Code). */
const AVP = { resultCode: 268, ipAddress: 518, prefixLength: 632, multicast: 634, asm: 635, ssm: 636, delegated: 123 } as const;
/** Address family of IPv6 in an Address AVP (RFC 6733 section 4.3.1). */
const FAMILY_IPV6 = 2;
const SUCCESS_CLASS = 2;

/** One AVP (RFC 6733 section 4.1); those of vendors are passed over. */
interface Avp {
  readonly code: number;
  /** Its data. */
  readonly start: number;
  readonly end: number;
}

/** AVPs of a message or a group that fit it; `whole` says that nothing else is there. */
function avpsIn(b: Uint8Array, start: number, end: number): { readonly list: readonly Avp[]; readonly whole: boolean } {
  const list: Avp[] = [];
  let at = start;
  while (at + 8 <= end) {
    const vendor = (b[at + 4]! & VENDOR) !== 0;
    const length = u24(b, at + 5);
    if (length < (vendor ? 12 : 8) || at + length > end) break;
    if (!vendor) list.push({ code: u32(b, at), start: at + 8, end: at + length });
    at += (length + 3) & ~3;
  }
  return { list, whole: at >= end };
}

/** The first message in a packet that gives prefixes. `at`: the TCP or SCTP header. */
export function inDiameter(b: Uint8Array, protocol: number, at: number, end: number): Provisioning | undefined {
  if (at + 20 > end || (u16(b, at) !== PORT && u16(b, at + 2) !== PORT)) return undefined;
  if (protocol === TCP) return inMessages(b, at + (b[at + 12]! >> 4) * 4, end);
  if (protocol !== SCTP) return undefined;
  for (let o = at + 12; o + 16 <= end;) {
    const length = u16(b, o + 2);
    if (length < 4 || o + length > end) return undefined;
    const diameter = b[o] === SCTP_DATA && (b[o + 1]! & SCTP_WHOLE) === SCTP_WHOLE && u32(b, o + 12) === SCTP_DIAMETER;
    const found = diameter ? inMessages(b, o + 16, o + length) : undefined;
    if (found !== undefined) return found;
    o += (length + 3) & ~3;
  }
  return undefined;
}

/** Messages one behind the other, as many as are whole. */
function inMessages(b: Uint8Array, start: number, end: number): Provisioning | undefined {
  for (let at = start; at + HEADER_BYTES <= end && b[at] === VERSION;) {
    const length = u24(b, at + 1);
    if (length < HEADER_BYTES || at + length > end) return undefined;
    const found = inAnswer(b, at, at + length);
    if (found !== undefined) return found;
    at += length;
  }
  return undefined;
}

/** Only an answer gives something, and only one that says no failure: a request tells what a client would like. */
function inAnswer(b: Uint8Array, start: number, end: number): Provisioning | undefined {
  if ((b[start + 4]! & (REQUEST | ERROR)) !== 0) return undefined;
  const { list } = avpsIn(b, start + HEADER_BYTES, end);
  const given = list.find(({ code }) => code === AVP.multicast);
  const result = list.find(({ code, start: o, end: last }) => code === AVP.resultCode && last - o === 4);
  if (given === undefined || (result !== undefined && Math.floor(u32(b, result.start) / 1_000) !== SUCCESS_CLASS)) return undefined;
  return { from: 'Diameter', prefixes: multicastPrefixes(b, given) };
}

/** 64-Multicast-Attributes: ASM-mPrefix64, SSM-mPrefix64 and Delegated-IPv6-Prefix, which is uPrefix64 there (RFC 7678 section 3.3). */
function multicastPrefixes(b: Uint8Array, group: Avp): Result<ProvisionedPrefixes, string> {
  const { list, whole } = avpsIn(b, group.start, group.end);
  if (!whole) return err(`an AVP does not fit the group ${group.code}`);
  const found: Found = { asm: '', ssm: '', source: '' };
  for (const avp of list) {
    const field = avp.code === AVP.asm ? 'asm' : avp.code === AVP.ssm ? 'ssm' : avp.code === AVP.delegated ? 'source' : undefined;
    if (field === undefined) continue;
    const prefix = field === 'source' ? prefixAt(b, avp.start, avp.end) : groupedPrefix(b, avp);
    if (prefix === undefined) return err(`the prefix of AVP ${avp.code} is no IPv6 prefix`);
    found[field] = prefix;
  }
  return ok(found);
}

/** IP-Address and IP-Prefix-Length in a group. */
function groupedPrefix(b: Uint8Array, group: Avp): string | undefined {
  const { list } = avpsIn(b, group.start, group.end);
  const address = list.find(({ code }) => code === AVP.ipAddress);
  const bits = list.find(({ code }) => code === AVP.prefixLength);
  if (address === undefined || address.end - address.start !== 18 || u16(b, address.start) !== FAMILY_IPV6) return undefined;
  if (bits === undefined || bits.end - bits.start !== 4) return undefined;
  const length = u32(b, bits.start);
  return length > 128 ? undefined : formatPrefix6({ bytes: b.slice(address.start + 2, address.end), length });
}
