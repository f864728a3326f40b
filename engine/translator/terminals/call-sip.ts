import { formatIpv4U32, formatIpv6 } from '../../wire/index.ts';
import type { Call } from './call.ts';
import type { Remote } from './media-source.ts';
import type { Node } from './node.ts';
import { buildSdp, rewriteSip, sipMessage, type MediaTarget, type SipHost } from './sdp.ts';

/** A SIP message as the switch got it, and as it sends it on; the same text twice where nothing is changed. */
export interface SipTexts {
  readonly before: string;
  readonly after: string;
}

const REASON: Readonly<Record<number, string>> = { 200: 'OK', 480: 'Temporarily Unavailable' };

const hostOf = (node: Node, reader: Node): SipHost => ({ address: node.address(reader.signalFamily), family: reader.signalFamily });

/** The port a party hears its media at. */
const portOf = (call: Call, party: Node): number => call.streams[party === call.from ? 0 : 1].senderPort;

/** The description of a party's own media: in the family that both talk in, otherwise in the one it has. */
function description(call: Call, party: Node): string {
  const other = party === call.from ? call.to : call.from;
  const family = party.common(other) || party.signalFamily;
  return buildSdp({ family, address: party.address(family), port: portOf(call, party) }, call.id, call.sequence);
}

/** A message of a party in a call. */
export interface Said {
  readonly method: string;
  /** 0 for a request. */
  readonly status?: number;
  /** The party whose words these are, though the switch may say them in its place. */
  readonly party: Node;
  /** With a description of the party's media. */
  readonly sdp?: boolean;
}

/** Text of a message in a call. Requests name who asks first in From; an answer keeps From and To of the request it answers (RFC 3261 section 8.2.6). */
function compose(call: Call, { method, status = 0, party, sdp = false }: Said, via: SipHost, contact: SipHost): string {
  const other = party === call.from ? call.to : call.from;
  const [from, to] = status === 0 ? [party, other] : [other, party];
  const tag = (node: Node): string => `${call.callId}${node === call.from ? 'f' : 't'}`;
  // The callee has no tag before it has answered.
  const first = status === 0 && method === 'INVITE' && call.answeredNs < 0;
  return new TextDecoder().decode(
    sipMessage({
      method,
      status,
      reason: REASON[status] ?? '',
      callId: call.callId,
      from: from.id,
      to: to.id,
      tags: [tag(from), first ? '' : tag(to)],
      sequence: call.sequence,
      via,
      contact: method === 'INVITE' || sdp ? contact : null,
      body: sdp ? description(call, party) : '',
    }),
  );
}

/** What a party says to its switch. */
export function saidToSwitch(call: Call, said: Said): string {
  const own = hostOf(said.party, said.party);
  return compose(call, said, (said.status ?? 0) === 0 ? own : hostOf(call.sw, said.party), own);
}

/** What the switch says to a party by itself, in the name of the other one. */
export function saidBySwitch(call: Call, said: Said, to: Node): string {
  const own = hostOf(call.sw, to);
  return compose(call, said, (said.status ?? 0) === 0 ? own : hostOf(to, to), own);
}

/** What a party said, as the switch hands it on to the other one: with its own address, and the converter's where one is between them (T-09). */
export function handedOn(call: Call, said: Said, to: Node, remote: Remote | null): SipTexts {
  const before = saidToSwitch(call, said);
  const own = hostOf(call.sw, to);
  const via = (said.status ?? 0) === 0 ? own : hostOf(to, to);
  return { before, after: rewriteSip(before, via, own, remote === null ? null : targetOf(remote)) };
}

export function targetOf({ family, address4, address6, port }: Remote): MediaTarget {
  return { family, address: family === 4 ? formatIpv4U32(address4) : formatIpv6(address6, 0), port };
}
