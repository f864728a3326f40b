import { u16, u32 } from '../base/index.ts';
import type { ExplainCard } from '../contract/index.ts';
import { formatIpv4, formatIpv6 } from '../wire/index.ts';
import { checksumOffset } from './transport.ts';
import { PacketView, PROTOCOL } from './packet-view.ts';
import { isTranslated, REASON, reasonOf } from './reasons.ts';

type Line = ExplainCard['lines'][number];

/** What came in and one packet that went out, both from their IP header on. */
export interface ExplainInput {
  readonly code: number;
  readonly side: 4 | 6;
  readonly before: Uint8Array;
  readonly after?: Uint8Array | undefined;
}

/**
 * The verdict on a packet with its rule, and where it was translated each header field before and after with the section that made it so.
 * Allocates; for one packet at a time.
 */
export function explainTranslation({ code, side, before, after }: ExplainInput): ExplainCard {
  const reason = reasonOf(code);
  const tone = isTranslated(code) ? 'translated' : reason.verdict === 'held' ? 'held' : 'dropped';
  const lines: Line[] = [{ label: 'Verdict', value: reason.text, because: reason.rfc }];
  const from = parse(side, before);
  if (isTranslated(code) && after !== undefined && from !== undefined) {
    const to = parse(after[0]! >> 4 === 6 ? 6 : 4, after);
    if (to !== undefined) lines.push(...fields(from, to));
  }
  const title =
    code === REASON.hairpinned ? 'Turned back inside' : isTranslated(code) ? `IPv${side} to IPv${side === 6 ? 4 : 6}` : 'Not translated';
  return { title, tone, lines };
}

function parse(side: 4 | 6, b: Uint8Array): PacketView | undefined {
  const view = new PacketView();
  const code = side === 6 ? view.parse6(b, 0, b.length, b.length, true) : view.parse4(b, 0, b.length, b.length, true, false);
  return code === 0 ? view : undefined;
}

const arrow = (a: string | number, b: string | number): string => (String(a) === String(b) ? `${a}, as it was` : `${a} became ${b}`);
const hex4 = (value: number): string => `0x${value.toString(16).padStart(4, '0')}`;

/** RFC 7915 section for a packet going away from this family. */
const section = (view: PacketView, four: string, six: string): string => `RFC 7915 section ${view.family === 4 ? four : six}`;

function address(view: PacketView, which: 'source' | 'destination'): string {
  const second = which === 'destination';
  return view.family === 6 ? formatIpv6(view.b, second ? 24 : 8) : formatIpv4(view.b, second ? 16 : 12);
}

function fields(from: PacketView, to: PacketView): Line[] {
  const header = section(from, '4.1', '5.1');
  const mapping = 'RFC 6052 section 2.3, RFC 7757 section 3.3, RFC 6146 section 3.5';
  const lines: Line[] = [
    { label: 'Source', value: arrow(address(from, 'source'), address(to, 'source')), because: mapping },
    { label: 'Destination', value: arrow(address(from, 'destination'), address(to, 'destination')), because: mapping },
    {
      label: from.family === 4 ? 'TOS and traffic class' : 'Traffic class and TOS',
      value: arrow(from.tos, to.tos),
      because: header,
      parameter: from.family === 4 ? 'trafficClass' : 'tos',
    },
    { label: from.family === 4 ? 'TTL and hop limit' : 'Hop limit and TTL', value: arrow(from.ttl, to.ttl), because: header },
    { label: 'Length', value: arrow(`${from.end} bytes`, `${to.end} bytes`), because: header },
    {
      label: from.family === 4 ? 'Protocol and next header' : 'Next header and protocol',
      value: arrow(from.protocol, to.protocol),
      because: header,
    },
  ];
  if (from.family === 6 && u32(from.b, 0) % 0x100000 !== 0) {
    lines.push({ label: 'Flow label', value: `0x${(u32(from.b, 0) & 0xfffff).toString(16).padStart(5, '0')} is lost`, because: header });
  }
  lines.push(...fragmentLines(from, to), ...transportLines(from, to));
  return lines;
}

function fragmentLines(from: PacketView, to: PacketView): Line[] {
  const lines: Line[] = [];
  if (to.family === 4) {
    const because = from.hasFragmentHeader ? 'RFC 7915 section 5.1.1' : 'RFC 7915 section 5.1';
    lines.push({ label: "Don't fragment", value: to.dontFragment ? 'set' : 'clear', because, parameter: 'df' });
    lines.push({ label: 'Identification', value: hex4(to.identification), because, parameter: 'identification' });
  }
  if (to.family === 6 && to.hasFragmentHeader) {
    const value = `identification ${to.identification}, offset ${to.fragmentOffset}, ${to.moreFragments ? 'more follow' : 'the last'}`;
    lines.push({ label: 'Fragment header', value, because: 'RFC 7915 section 4.1', parameter: 'lowestIpv6Mtu' });
  }
  if (from.family === 4 && from.transport > 20) lines.push({ label: 'IPv4 options', value: 'left out', because: 'RFC 7915 section 4.1' });
  return lines;
}

function transportLines(from: PacketView, to: PacketView): Line[] {
  const lines: Line[] = [];
  if (from.fragmentOffset !== 0) return lines;
  const because = section(from, '4.5', '5.5');
  const a = from.transport;
  const b = to.transport;
  if (from.protocol === PROTOCOL.icmp || from.protocol === PROTOCOL.icmpv6) {
    if (from.capturedBytes < 4 || to.capturedBytes < 4) return lines;
    const name = (view: PacketView, at: number): string => `${view.b[at]!}/${view.b[at + 1]!}`;
    const icmp = section(from, '4.2', '5.2');
    lines.push({ label: 'ICMP type and code', value: arrow(name(from, a), name(to, b)), because: icmp });
    lines.push({ label: 'ICMP checksum', value: arrow(hex4(u16(from.b, a + 2)), hex4(u16(to.b, b + 2))), because: icmp });
    return lines;
  }
  const offset = checksumOffset(from.protocol);
  if (offset < 0 || from.capturedBytes < offset + 2 || to.capturedBytes < offset + 2) return lines;
  const rewritten = u32(from.b, a) !== u32(to.b, b);
  if (rewritten) {
    const pair = (view: PacketView, at: number): string => `${u16(view.b, at)} to ${u16(view.b, at + 2)}`;
    lines.push({ label: 'Ports', value: arrow(pair(from, a), pair(to, b)), because: 'RFC 6146 section 3.5' });
  }
  lines.push({ label: 'Checksum', value: arrow(hex4(u16(from.b, a + offset)), hex4(u16(to.b, b + offset))), because });
  return lines;
}
