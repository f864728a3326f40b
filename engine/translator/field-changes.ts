import { u16, u32 } from '../base/index.ts';
import type { FieldChange } from '../contract/index.ts';
import { formatIpv4, formatIpv6 } from '../wire/index.ts';
import { addressRule, ANY_ADDRESS_RULE, portRule, type AddressRule } from './address-rule.ts';
import { ICMP6, isError4, isError6 } from './icmp-types.ts';
import { PacketView, PROTOCOL } from './packet-view.ts';
import type { TranslatorSettings } from './settings.ts';
import { checksumOffset } from './transport.ts';

type Place = NonNullable<FieldChange['before']>;

/** UDP whose sender computed none. */
const NO_CHECKSUM = '0x0000';

/** Letters of a payload that are shown. */
const MAX_LINE_TEXT = 200;

/** A packet from its IP header on, as far as it is there; undefined where it is none. */
export function viewOf(b: Uint8Array): PacketView | undefined {
  const view = new PacketView();
  const six = b.length > 0 && b[0]! >> 4 === 6;
  const code = six ? view.parse6(b, 0, b.length, b.length, true) : view.parse4(b, 0, b.length, b.length, true, false);
  return code === 0 ? view : undefined;
}

/**
 * Every field of a packet and of what it became, with the section that made it so; both from their IP header on. Empty where one of them cannot
 * be read. With the settings of the translator, addresses are given their rule; `session` is the rule of addresses and ports where a session gives them all.
 * Allocates; for one packet at a time.
 */
export function fieldChanges(before: Uint8Array, after: Uint8Array, settings?: TranslatorSettings, session?: AddressRule): FieldChange[] {
  const from = viewOf(before);
  const to = viewOf(after);
  if (from === undefined || to === undefined || from.family === to.family) return [];
  const rules = { settings, session };
  return [...headerFields(from, to, rules), ...fragmentFields(from, to), ...transportFields(from, to, rules)];
}

/** Where the rules of addresses and ports are found. */
interface Rules {
  readonly settings: TranslatorSettings | undefined;
  readonly session: AddressRule | undefined;
}

const place = (text: string | number, offset: number, length: number): Place => ({ text: String(text), offset, length });
const hex4 = (value: number): string => `0x${value.toString(16).padStart(4, '0')}`;

function row(label: string, before: Place | null, after: Place | null, because: string, parameter?: string): FieldChange {
  return { label, before, after, changed: before?.text !== after?.text, because, ...(parameter !== undefined && { parameter }) };
}

/** RFC 7915 section for a packet that goes away from this family. */
const section = (view: PacketView, four: string, six: string): string => `RFC 7915 section ${view.family === 4 ? four : six}`;

function address(view: PacketView, second: boolean): Place {
  const { b, o } = view;
  if (view.family === 6) return place(formatIpv6(b, o + (second ? 24 : 8)), o + (second ? 24 : 8), 16);
  return place(formatIpv4(b, o + (second ? 16 : 12)), o + (second ? 16 : 12), 4);
}

function addressField(label: string, from: PacketView, to: PacketView, { settings, session }: Rules): FieldChange {
  const second = /destination/i.test(label);
  const before = address(from, second);
  const after = address(to, second);
  const [v4, v6] = from.family === 4 ? [before, after] : [after, before];
  const { because, parameter } = session ?? (settings === undefined ? ANY_ADDRESS_RULE : addressRule(settings, v4.text, v6.text));
  return row(label, before, after, because, parameter);
}

function portOf({ settings, session }: Rules, changed: boolean, stateless: string, stateful?: string): AddressRule {
  return session ?? portRule(settings, changed, stateless, stateful);
}

function headerFields(from: PacketView, to: PacketView, rules: Rules): FieldChange[] {
  const header = section(from, '4.1', '5.1');
  const behind = section(from, '4.1', from.hasFragmentHeader ? '5.1.1' : '5.1');
  const four = from.family === 4;
  const pick = (view: PacketView, v4: readonly [number, number], v6: readonly [number, number], text: string | number): Place =>
    place(text, ...(view.family === 4 ? v4 : v6));
  const out = [
    row('Version', place(from.family, 0, 1), place(to.family, 0, 1), header),
    row(four ? 'TOS and traffic class' : 'Traffic class and TOS', pick(from, [1, 1], [0, 2], from.tos), pick(to, [1, 1], [0, 2], to.tos), header, four ? 'trafficClass' : 'tos'), // prettier-ignore
    row('Length', pick(from, [2, 2], [4, 2], `${from.end} bytes`), pick(to, [2, 2], [4, 2], `${to.end} bytes`), behind),
    row(four ? 'TTL and hop limit' : 'Hop limit and TTL', pick(from, [8, 1], [7, 1], from.ttl), pick(to, [8, 1], [7, 1], to.ttl), header),
    row(
      four ? 'Protocol and next header' : 'Next header and protocol',
      pick(from, [9, 1], [6, 1], from.protocol),
      pick(to, [9, 1], [6, 1], to.protocol),
      behind,
    ),
    addressField('Source', from, to, rules),
    addressField('Destination', from, to, rules),
  ];
  const flowLabel = four ? 0 : u32(from.b, 0) & 0xfffff;
  if (flowLabel !== 0)
    out.push(row('Flow label', place(`0x${flowLabel.toString(16).padStart(5, '0')}`, 1, 3), null, section(from, '4', '5')));
  if (four) out.push(row('Header checksum', place(hex4(u16(from.b, 10)), 10, 2), null, section(from, '4', '5')));
  else out.push(row('Header checksum', null, place(hex4(u16(to.b, 10)), 10, 2), header));
  return out;
}

function fragmentFields(from: PacketView, to: PacketView): FieldChange[] {
  const out: FieldChange[] = [];
  const four = from.family === 4 ? from : to;
  const six = from.family === 6 ? from : to;
  const because = section(from, '4.1', from.hasFragmentHeader ? '5.1.1' : '5.1');
  const pair = (v4: Place | null, v6: Place | null): [Place | null, Place | null] => (from.family === 4 ? [v4, v6] : [v6, v4]);
  // A fragment header is the last one before the transport.
  const header = six.transport - 8;
  const fragment = six.hasFragmentHeader;
  const id = fragment ? place(hex4(six.identification), header + 4, 4) : null;
  out.push(row('Identification', ...pair(place(hex4(four.identification), 4, 2), id), because, from.family === 6 ? 'identification' : undefined)); // prettier-ignore
  out.push(row("Don't fragment", ...pair(place(four.dontFragment ? 'set' : 'clear', 6, 1), null), because, from.family === 6 ? 'df' : undefined)); // prettier-ignore
  if (fragment || four.fragmented) {
    const text = (view: PacketView): string => `offset ${view.fragmentOffset}, ${view.moreFragments ? 'more follow' : 'the last'}`;
    const limit = from.family === 4 ? 'lowestIpv6Mtu' : 'mtu4';
    const parts = pair(place(text(four), 6, 2), fragment ? place(text(six), header + 2, 2) : null);
    out.push(row('Fragment', ...parts, section(from, '4.1', '5.1.1'), from.fragmented ? undefined : limit));
  }
  if (four.transport > 20) out.push(row('IPv4 options', ...pair(place(`${four.transport - 20} bytes`, 20, four.transport - 20), null), because)); // prettier-ignore
  return out;
}

function transportFields(from: PacketView, to: PacketView, rules: Rules): FieldChange[] {
  if (from.fragmentOffset !== 0 || to.fragmentOffset !== 0) return [];
  if (from.protocol === PROTOCOL.icmp || from.protocol === PROTOCOL.icmpv6) return icmpFields(from, to, rules);
  const out: FieldChange[] = [];
  const offset = checksumOffset(from.protocol);
  if (offset < 0 || from.capturedBytes < 4 || to.capturedBytes < 4) return out;
  const word = (view: PacketView, at: number, text: (value: number) => string): Place =>
    place(text(u16(view.b, view.transport + at)), view.transport + at, 2);
  const port = (label: string, at: number): FieldChange => {
    const before = word(from, at, String);
    const after = word(to, at, String);
    const { because, parameter } = portOf(rules, before.text !== after.text, section(from, '4.5', '5.5'));
    return row(label, before, after, because, parameter);
  };
  out.push(port('Source port', 0), port('Destination port', 2));
  if (from.capturedBytes >= offset + 2 && to.capturedBytes >= offset + 2) {
    const [before, after] = [word(from, offset, hex4), word(to, offset, hex4)];
    const none = from.family === 4 && from.protocol === PROTOCOL.udp && before.text === NO_CHECKSUM;
    out.push(row('Checksum', before, after, section(from, '4.5', '5.5'), none ? 'udpZeroChecksum' : undefined));
  }
  if (from.protocol === PROTOCOL.tcp) out.push(...gatewayFields(from, to));
  return out;
}

/** What the FTP gateway changed; nothing where it did not. */
function gatewayFields(from: PacketView, to: PacketView): FieldChange[] {
  if (from.capturedBytes < 20 || to.capturedBytes < 20) return [];
  const number = (view: PacketView, at: number): Place => place(u32(view.b, view.transport + at), view.transport + at, 4);
  const because = 'RFC 6384 section 5';
  const out = [row('Sequence', number(from, 4), number(to, 4), because), row('Acknowledgement', number(from, 8), number(to, 8), because)];
  out.push(row('FTP lines', lines(from), lines(to), 'RFC 6384 sections 5, 6 and 11', 'nat64.ftpAlg'));
  return out.filter(({ changed }) => changed);
}

/** Text of a TCP payload on one line, as far as it is there. */
function lines(view: PacketView): Place | null {
  const at = view.transport + (view.b[view.transport + 12]! >> 4) * 4;
  if (at >= view.available) return null;
  const text = String.fromCharCode(...view.b.subarray(at, Math.min(view.available, at + MAX_LINE_TEXT)));
  return place(
    text
      .replaceAll('\r\n', ' ⏎ ')
      .replace(/[^ -~⏎]/g, '.')
      .trim(),
    at,
    view.available - at,
  );
}

function icmpFields(from: PacketView, to: PacketView, rules: Rules): FieldChange[] {
  if (from.capturedBytes < 4 || to.capturedBytes < 4) return [];
  const because = section(from, '4.2', '5.2');
  const typeCode = (view: PacketView): Place => place(`${view.b[view.transport]!}/${view.b[view.transport + 1]!}`, view.transport, 2);
  const word = (view: PacketView, at: number): Place => place(hex4(u16(view.b, view.transport + at)), view.transport + at, 2);
  const out = [row('ICMP type and code', typeCode(from), typeCode(to), because), row('ICMP checksum', word(from, 2), word(to, 2), because)];
  if (from.capturedBytes < 8 || to.capturedBytes < 8) return out;
  if (!carriesPacket(from)) {
    const [before, after] = [word(from, 4), word(to, 4)];
    const rule = portOf(rules, before.text !== after.text, because, 'RFC 6146 section 3.5.3');
    out.push(row('Identifier', before, after, rule.because, rule.parameter));
    return out;
  }
  const parameter = (view: PacketView): Place => place(`0x${u32(view.b, view.transport + 4).toString(16).padStart(8, '0')}`, view.transport + 4, 4); // prettier-ignore
  const [label, rule, field] = parameterRule(from, to, because);
  out.push(row(label, parameter(from), parameter(to), rule, field), ...quotedFields(from, to, rules));
  return out;
}

const carriesPacket = (view: PacketView): boolean => (view.family === 6 ? isError6 : isError4)(view.b[view.transport]!);

/** What bytes 4 to 7 of an error are, by the type of the IPv6 side, and the rule they follow. */
function parameterRule(from: PacketView, to: PacketView, because: string): readonly [string, string, string?] {
  const six = from.family === 6 ? from : to;
  const type = six.b[six.transport]!;
  if (type === ICMP6.tooBig) return ['MTU', because, from.family === 6 ? 'mtu4' : 'mtu6'];
  return type === ICMP6.parameterProblem ? ['Pointer', because] : ['Extension length', 'RFC 4884 section 4'];
}

/** The packet inside an error (RFC 7915 sections 4.3 and 5.3), as far as both sides hold it. */
function quotedFields(from: PacketView, to: PacketView, rules: Rules): FieldChange[] {
  const before = quoteOf(from);
  const after = quoteOf(to);
  if (before === undefined || after === undefined) return [];
  const because = section(from, '4.3', '5.3');
  const four = from.family === 4;
  const length = (view: PacketView): Place => place(`${view.end - view.o} bytes`, view.o + (view.family === 4 ? 2 : 4), 2);
  const hops = (view: PacketView): Place => place(view.ttl, view.o + (view.family === 4 ? 8 : 7), 1);
  return [
    row('Quoted length', length(before), length(after), because),
    row(four ? 'Quoted TTL and hop limit' : 'Quoted hop limit and TTL', hops(before), hops(after), because),
    addressField('Quoted source', before, after, rules),
    addressField('Quoted destination', before, after, rules),
  ];
}

function quoteOf({ b, family, transport, available }: PacketView): PacketView | undefined {
  const view = new PacketView();
  const at = transport + 8;
  const room = available - at;
  const code = family === 6 ? view.parse6(b, at, room, room, true) : view.parse4(b, at, room, room, true, false);
  return code === 0 ? view : undefined;
}
