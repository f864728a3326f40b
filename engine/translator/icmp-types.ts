import { REASON } from './reasons.ts';

/**
 * ICMP types, codes, pointers and MTUs of one family in the other: the tables of RFC 7915 sections 4.2 and 5.2. A lookup
 * returns `type << 8 | code`, or minus a reason.
 */
export const ICMP4 = {
  echoReply: 0,
  unreachable: 3,
  sourceQuench: 4,
  redirect: 5,
  alternateHost: 6,
  echo: 8,
  routerAdvertisement: 9,
  routerSolicitation: 10,
  timeExceeded: 11,
  parameterProblem: 12,
  timestamp: 13,
  timestampReply: 14,
  information: 15,
  informationReply: 16,
  mask: 17,
  maskReply: 18,
} as const;

export const ICMP6 = {
  unreachable: 1,
  tooBig: 2,
  timeExceeded: 3,
  parameterProblem: 4,
  echo: 128,
  echoReply: 129,
} as const;

/** Multicast listener and neighbor discovery, its inverse, the second version of listener reports: messages of one link. */
const isSingleHop6 = (type: number): boolean => (type >= 130 && type <= 137) || (type >= 141 && type <= 143);

/** RFC 8200 section 5, bytes. */
const LEAST_IPV6_MTU = 1_280;

const to = (type: number, code: number): number => (type << 8) | code;

/** Destination unreachable codes 0 to 15 of IPv4 in IPv6; -1 for those that are dropped. */
const UNREACHABLE46: readonly number[] = [
  to(1, 0),
  to(1, 0),
  to(4, 1),
  to(1, 4),
  to(2, 0),
  to(1, 0),
  to(1, 0),
  to(1, 0),
  to(1, 0),
  to(1, 1),
  to(1, 1),
  to(1, 0),
  to(1, 0),
  to(1, 1),
  -1,
  to(1, 1),
];

/** Destination unreachable codes 0 to 4 of IPv6 in IPv4. */
const UNREACHABLE64: readonly number[] = [to(3, 1), to(3, 10), to(3, 1), to(3, 1), to(3, 3)];

/** IPv4 ICMP type and code in ICMPv6. */
export function icmp46(type: number, code: number): number {
  switch (type) {
    case ICMP4.echo:
      return to(ICMP6.echo, code);
    case ICMP4.echoReply:
      return to(ICMP6.echoReply, code);
    case ICMP4.unreachable: {
      const value = UNREACHABLE46[code] ?? -1;
      return value < 0 ? -REASON.icmpUnknown : value;
    }
    case ICMP4.timeExceeded:
      return to(ICMP6.timeExceeded, code);
    case ICMP4.parameterProblem:
      return code === 0 || code === 2 ? to(ICMP6.parameterProblem, 0) : -REASON.icmpUnknown;
    case ICMP4.sourceQuench:
    case ICMP4.alternateHost:
    case ICMP4.timestamp:
    case ICMP4.timestampReply:
    case ICMP4.information:
    case ICMP4.informationReply:
    case ICMP4.mask:
    case ICMP4.maskReply:
      return -REASON.icmpObsolete;
    case ICMP4.redirect:
    case ICMP4.routerAdvertisement:
    case ICMP4.routerSolicitation:
      return -REASON.icmpSingleHop;
    default:
      return -REASON.icmpUnknown;
  }
}

/** ICMPv6 type and code in IPv4's ICMP. */
export function icmp64(type: number, code: number): number {
  switch (type) {
    case ICMP6.echo:
      return to(ICMP4.echo, code);
    case ICMP6.echoReply:
      return to(ICMP4.echoReply, code);
    case ICMP6.unreachable:
      return UNREACHABLE64[code] ?? -REASON.icmpUnknown;
    case ICMP6.tooBig:
      return to(ICMP4.unreachable, 4);
    case ICMP6.timeExceeded:
      return to(ICMP4.timeExceeded, code);
    case ICMP6.parameterProblem:
      if (code === 0) return to(ICMP4.parameterProblem, 0);
      return code === 1 ? to(ICMP4.unreachable, 2) : -REASON.icmpUnknown;
    default:
      return isSingleHop6(type) ? -REASON.icmpSingleHop : -REASON.icmpUnknown;
  }
}

/** IPv4 ICMP types that carry a packet. */
export function isError4(type: number): boolean {
  return (type >= ICMP4.unreachable && type <= ICMP4.redirect) || type === ICMP4.timeExceeded || type === ICMP4.parameterProblem;
}

/** ICMPv6 error messages have the high bit of the type clear (RFC 4443 section 2.1). */
export function isError6(type: number): boolean {
  return type < 128;
}

/** Where in an IPv6 header the field at `pointer` of an IPv4 header is, or -1 (RFC 7915 figure 3). */
export function pointer46(pointer: number): number {
  if (pointer <= 1) return pointer;
  if (pointer <= 3) return 4;
  if (pointer === 8) return 7;
  if (pointer === 9) return 6;
  if (pointer >= 12 && pointer <= 15) return 8;
  return pointer >= 16 && pointer <= 19 ? 24 : -1;
}

/** Where in an IPv4 header the field at `pointer` of an IPv6 header is, or -1 (RFC 7915 figure 6). */
export function pointer64(pointer: number): number {
  if (pointer <= 1) return pointer;
  if (pointer === 4 || pointer === 5) return 2;
  if (pointer === 6) return 9;
  if (pointer === 7) return 8;
  if (pointer >= 8 && pointer <= 23) return 12;
  return pointer >= 24 && pointer <= 39 ? 16 : -1;
}

/**
 * MTU of a packet too big message from that of fragmentation needed (RFC 7915 section 4.2). Zero means that the router told
 * none: the largest plateau below the length of the packet in error is taken. Never below what every IPv6 host may send; a lowest MTU that is set for
 * the IPv6 side says nothing of the IPv4 path, and does not count here.
 */
export function mtu46(mtu: number, innerTotalBytes: number, mtu4: number, mtu6: number, plateaus: readonly number[]): number {
  let value = mtu;
  for (let i = 0; value === 0 && i < plateaus.length; i++) if (plateaus[i]! < innerTotalBytes) value = plateaus[i]!;
  return Math.max(LEAST_IPV6_MTU, Math.min(value + 20, mtu6, mtu4 + 20));
}

/** MTU of fragmentation needed from that of packet too big (RFC 7915 section 5.2); the packet in error may have had a fragment header. */
export function mtu64(mtu: number, innerFragmentHeader: boolean, mtu4: number, mtu6: number): number {
  const header = innerFragmentHeader ? 28 : 20;
  return Math.max(0, Math.min(mtu - header, mtu4, mtu6 - header, 0xffff));
}

/** RFC 4884: the types with a length field, and its place and unit. */
export function hasLength4(type: number): boolean {
  return type === ICMP4.unreachable || type === ICMP4.timeExceeded || type === ICMP4.parameterProblem;
}

export function hasLength6(type: number): boolean {
  return type === ICMP6.unreachable || type === ICMP6.timeExceeded;
}
