import { answer } from './answer.ts';
import type { Context } from './context.ts';
import { PROTOCOL, type PacketView } from './packet-view.ts';
import type { PacketSink } from './packet-sink.ts';
import { REASON } from './reasons.ts';

/** Table and port limits: the sender learns that there is no address for it (RFC 6146 section 3.5.1.1), one outside that the host is not reached (RFC 6888 REQ-11). */
const LIMITS: ReadonlySet<number> = new Set([
  REASON.bindingsFull,
  REASON.sessionsFull,
  REASON.subscriberLimit,
  REASON.subscriberSessions,
  REASON.subscriberRate,
  REASON.bindingSessions,
  REASON.portBlocksUsed,
  REASON.noPortBlock,
  REASON.naptPortsUsed,
]);

/**
 * Drops for which the RFC names no error and none forbids one: with `icmpErrors.drops: answer` they are answered (RFC 7915 sections 4.4 and 5.4). Not
 * here: what the RFC drops in silence, messages of one link, and errors about errors.
 */
const OTHERS: ReadonlySet<number> = new Set([
  REASON.fragmentBeforeExtension,
  REASON.noSource4,
  REASON.noDestination4,
  REASON.noSource6,
  REASON.noDestination6,
  REASON.denied,
  REASON.wellKnownPrivate,
  REASON.reservedOctet,
  REASON.udpZeroDropped,
  REASON.udpZeroFragment,
  REASON.noBinding,
  REASON.filtered,
  REASON.hairpinOff,
  REASON.notPool6,
  REASON.tcpNoState,
  REASON.mapNoPort,
  REASON.mapNotDmr,
  REASON.mapNoRule,
  REASON.mapNotOwn,
]);

/** Type and code of the error about a packet dropped with this reason, or 0 where there is none. */
function errorOf({ family: side, protocol }: PacketView, code: number, others: boolean): number {
  if (code === REASON.unsupportedProtocol) return side === 6 ? 0x0104 : 0x0302;
  if (LIMITS.has(code)) return side === 6 ? 0x0103 : 0x0301;
  // Section 5.4: not about ICMPv6 messages of any kind.
  if (!others || !OTHERS.has(code) || (side === 6 && protocol === PROTOCOL.icmpv6)) return 0;
  if (side === 6) return 0x0101;
  return code === REASON.noBinding ? 0x0301 : 0x030d;
}

/** Sends the error that is due about the dropped packet in the view; the packet keeps its reason. */
export function answerDrop(context: Context, view: PacketView, code: number, sink: PacketSink): void {
  const { drops } = context.settings.spec.icmpErrors;
  const typeCode = errorOf(view, code, drops === 'answer' || (drops === 'ipv6' && view.family === 6));
  // Stateful translation keeps this one to put its packet together.
  if (code === REASON.udpZeroFragment && context.settings.spec.mode === 'nat64') return;
  if (typeCode !== 0) answer(context, view, typeCode, 0, code, sink);
}
