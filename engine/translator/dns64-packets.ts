import { ok, putU16, u16 } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import type { Dns64Spec } from '../contract/index.ts';
import { buildDns, checksum, DNS_TYPE, finishSum, parseDns, pseudoSum4, pseudoSum6, sum16, type DnsMessage } from '../wire/index.ts';
import { copyBytes } from './bytes.ts';
import { Dns64 } from './dns64.ts';
import { decideAaaa, decideOwn } from './dns64-decision.ts';
import { placeInZone } from './dns64-special.ts';
import { DnsStreams } from './dns64-streams.ts';
import { IPV4_BYTES, IPV6_BYTES, PacketView, PROTOCOL } from './packet-view.ts';
import { SINK_KIND, type PacketSink } from './packet-sink.ts';
import { REASON } from './reasons.ts';
import type { SettingsError } from './settings.ts';

const DNS_PORT = 53;
const UDP_BYTES = 8;
const IN_ADDR_ARPA = '.in-addr.arpa';
/** Names whose A answer is kept; the one that came first goes. */
export const MAX_KNOWN_NAMES = 16_384;
/** Empty AAAA answers that wait at once; beyond, an answer leaves as it came. */
export const MAX_HELD_ANSWERS = 1_024;
/** Queries remembered for the size of answer they take; the one that came first goes. */
export const MAX_KNOWN_QUERIES = 16_384;
/** Largest answer over UDP without EDNS0 (RFC 1035 section 2.3.4). */
const PLAIN_UDP_BYTES = 512;
/** How long an empty AAAA answer waits for the A answer: as long as a stub resolver waits before it asks again. */
const HOLD_NS = 5e9;

interface HeldAnswer {
  readonly side: 4 | 6;
  readonly bytes: Uint8Array;
  readonly wireLength: number;
  readonly message: DnsMessage;
  readonly name: string;
  readonly sinceNs: number;
}

/**
 * DNS64 (RFC 6147) on packets of a capture: between the resolver and its clients. The A answers that a DNS64 would ask for are those that the capture
 * holds, on either side: the last one before the empty AAAA answer, or the first one after it. Everything that is no answer it changes
 * leaves as it came, on its own side. One packet at a time and few of them, so it allocates.
 */
export class Dns64Packets {
  /** Answers that waited for an A answer which never came. */
  lostAnswers = 0;
  /** Answers that were held and had no room in the output when they were let go. */
  lostPackets = 0;
  /** Connections of DNS over TCP. */
  readonly streams: DnsStreams;
  private readonly rules: Dns64;
  private readonly view = new PacketView();
  private readonly known = new Map<string, DnsMessage>();
  /** Answers to questions for PTR of in-addr.arpa. */
  private readonly reverse = new Map<string, DnsMessage>();
  /** By client, number and question: the largest answer it takes. */
  private readonly sizes = new Map<string, number>();
  private held: HeldAnswer[] = [];
  private nowNs = 0;

  private constructor(rules: Dns64) {
    this.rules = rules;
    this.streams = new DnsStreams(rules, HOLD_NS, {
      a: (name) => this.known.get(name),
      reverse: (name) => this.reverse.get(name),
      heard: (message, sink) => {
        this.heard(message, sink);
      },
    });
  }

  /** Error: the configuration field that cannot be used. */
  static create(spec: Dns64Spec, allowPrivate = false): Result<Dns64Packets, SettingsError> {
    const rules = Dns64.create(spec, allowPrivate);
    return rules.ok ? ok(new Dns64Packets(rules.value)) : rules;
  }

  /** As PacketTranslator.translate. */
  translate(side: 4 | 6, b: Uint8Array, o: number, length: number, wireLength: number, sink: PacketSink, nowNs: number): number {
    this.nowNs = Math.max(this.nowNs, nowNs);
    this.expire(sink);
    const { view } = this;
    const present = Math.max(0, Math.min(length, b.length - o));
    const code = side === 6 ? view.parse6(b, o, present, wireLength, false) : view.parse4(b, o, present, wireLength, false, false);
    if (code !== 0) return code;
    if (view.protocol === PROTOCOL.tcp && this.streams.wants(view)) {
      return this.streams.translate(side, b.slice(o, o + present), wireLength, sink, this.nowNs);
    }
    const message = this.message();
    if (message === undefined) return pass(b, o, present, wireLength, side, sink, REASON.notDns);
    const question = message.questions[0];
    if (question === undefined) return pass(b, o, present, wireLength, side, sink, REASON.dnsPassed);
    if (!message.response) return this.query(message, b, o, present, wireLength, side, sink);
    const name = question.name.toLowerCase();
    const own = placeInZone(name) === undefined ? undefined : decideOwn(this.rules, message, () => undefined);
    if (own?.waits === false) return this.write(own.message, b.slice(o, o + present), 0, false, side, sink, own.reason);
    if (question.type !== DNS_TYPE.AAAA) {
      const passed = pass(b, o, present, wireLength, side, sink, REASON.dnsPassed);
      this.heard(message, sink);
      return passed;
    }
    const answer = { side, bytes: b.slice(o, o + present), wireLength, message, name, sinceNs: this.nowNs };
    return this.onAaaa(answer, sink);
  }

  /** The DNS message of the packet in the view, or undefined. */
  private message(): DnsMessage | undefined {
    const { view } = this;
    const { b, transport: t } = view;
    if (view.protocol !== PROTOCOL.udp || view.fragmented || view.truncated || view.transportBytes < UDP_BYTES) return undefined;
    if (u16(b, t) !== DNS_PORT && u16(b, t + 2) !== DNS_PORT) return undefined;
    const end = t + u16(b, t + 4);
    if (end > view.available) return undefined;
    const parsed = parseDns(b, t + UDP_BYTES, end);
    return parsed.ok ? parsed.value : undefined;
  }

  private query(message: DnsMessage, b: Uint8Array, o: number, length: number, wire: number, side: 4 | 6, sink: PacketSink): number {
    const step = this.rules.onQuery(message, (name) => this.reverse.get(name));
    const size = message.additionals.find(({ type }) => type === DNS_TYPE.OPT)?.class ?? PLAIN_UDP_BYTES;
    remember(this.sizes, MAX_KNOWN_QUERIES, this.exchange(message, false), Math.max(PLAIN_UDP_BYTES, size));
    if (step.action !== 'answer' || step.message === undefined) return pass(b, o, length, wire, side, sink, REASON.dnsPassed);
    return this.write(step.message, b, o, true, side, sink, step.reason ?? REASON.dnsReverse);
  }

  private onAaaa(answer: HeldAnswer, sink: PacketSink): number {
    const { bytes, wireLength, side, message } = answer;
    const decision = decideAaaa(this.rules, message, this.known.get(answer.name));
    if (decision?.waits === false) return this.write(decision.message, bytes, 0, false, side, sink, decision.reason);
    if (decision?.waits === true) {
      if (this.held.length < MAX_HELD_ANSWERS) {
        this.held.push(answer);
        return REASON.dnsHeld;
      }
      this.lostAnswers++;
    }
    return pass(bytes, 0, bytes.length, wireLength, side, sink, REASON.dnsPassed);
  }

  /** An answer of the resolver: what waits for it goes on. */
  private heard(message: DnsMessage, sink: PacketSink): void {
    const { name = '', type } = message.questions[0] ?? {};
    const key = name.toLowerCase();
    if (type === DNS_TYPE.PTR && key.endsWith(IN_ADDR_ARPA)) remember(this.reverse, MAX_KNOWN_NAMES, key, message);
    if (type !== DNS_TYPE.A) return;
    // A cut answer does not take the place of a whole one: what was cut is asked for again over TCP.
    if (!message.truncated || this.known.get(key)?.truncated !== false) remember(this.known, MAX_KNOWN_NAMES, key, message);
    const ready = this.held.filter((held) => held.name === key);
    if (ready.length > 0) this.held = this.held.filter((held) => held.name !== key);
    for (const held of ready) if (this.onAaaa(held, sink) === REASON.sinkFull) this.lostPackets++;
    this.streams.goOn(sink);
  }

  private expire(sink: PacketSink): void {
    this.streams.expire(this.nowNs, sink);
    if (this.held.length === 0) return;
    const gone = this.held.filter(({ sinceNs }) => sinceNs + HOLD_NS <= this.nowNs);
    if (gone.length === 0) return;
    this.held = this.held.filter(({ sinceNs }) => sinceNs + HOLD_NS > this.nowNs);
    this.lostAnswers += gone.length;
    for (const { bytes, wireLength, side } of gone) {
      if (pass(bytes, 0, bytes.length, wireLength, side, sink, REASON.dnsPassed) === REASON.sinkFull) this.lostPackets++;
    }
  }

  /** Answers that still wait leave as they came. */
  finish(sink: PacketSink): number {
    if (this.held.length > 0 || this.streams.waiting > 0) this.nowNs += HOLD_NS;
    this.expire(sink);
    return this.nowNs;
  }

  /** Client, number and question of the message in the view. */
  private exchange({ id, questions }: DnsMessage, response: boolean): string {
    const { b, o, transport, family } = this.view;
    const [at, bytes] = family === 6 ? [o + (response ? 24 : 8), 16] : [o + (response ? 16 : 12), 4];
    const { name, type } = questions[0] ?? { name: '', type: 0 };
    return `${b.subarray(at, at + bytes).join('.')} ${u16(b, transport + (response ? 2 : 0))} ${id} ${type} ${name.toLowerCase()}`;
  }

  /**
   * Largest message that the client takes in answer to its query, which is in the view (`turn`) or was answered by the packet there (RFC 6891 section 6.2.3).
   * Infinity where the capture does not hold the query of a client that speaks EDNS0.
   */
  private sizeOf(message: DnsMessage, turn: boolean): number {
    const known = this.sizes.get(this.exchange(message, !turn));
    return known ?? (message.additionals.some(({ type }) => type === DNS_TYPE.OPT) ? Infinity : PLAIN_UDP_BYTES);
  }

  /**
   * Writes the packet at `o` with another DNS message in it; with `turn` from its destination back to its source. Returns `reason`, or why it is not that. A
   * message that is larger than the client takes leaves without answers and with TC set (RFC 6147 section 5.4, RFC 2181 section 9).
   */
  private write(message: DnsMessage, b: Uint8Array, o: number, turn: boolean, side: 4 | 6, sink: PacketSink, reason: number): number {
    const header = side === 6 ? IPV6_BYTES : IPV4_BYTES;
    const { view } = this;
    // Held packets are parsed again, and without options and extension headers.
    if (
      (side === 6 ? view.parse6(b, o, b.length - o, 0xffff + header, false) : view.parse4(b, o, b.length - o, 0xffff, false, false)) !== 0
    )
      return REASON.sinkFull;
    const whole = buildDns(message);
    const fits = whole.ok && whole.value.length <= this.sizeOf(message, turn);
    const payload = fits ? whole : buildDns(cut(message));
    if (!payload.ok) return REASON.sinkFull;
    const udp = UDP_BYTES + payload.value.length;
    const at = sink.reserve(header + udp);
    if (at < 0 || header + udp > 0xffff) return REASON.sinkFull;
    const out = sink.bytes;
    copyBytes(out, at, b, o, header);
    const addresses = side === 6 ? 8 : 12;
    const size = side === 6 ? 16 : 4;
    if (turn) {
      copyBytes(out, at + addresses, b, o + addresses + size, size);
      copyBytes(out, at + addresses + size, b, o + addresses, size);
    }
    const t = at + header;
    putU16(out, t, u16(b, view.transport + (turn ? 2 : 0)));
    putU16(out, t + 2, u16(b, view.transport + (turn ? 0 : 2)));
    putU16(out, t + 4, udp);
    putU16(out, t + 6, 0);
    out.set(payload.value, t + UDP_BYTES);
    if (side === 6) {
      putU16(out, at + 4, udp);
      out[at + 6] = PROTOCOL.udp;
    } else {
      out[at] = 0x45;
      putU16(out, at + 2, header + udp);
      putU16(out, at + 10, 0);
      putU16(out, at + 10, checksum(out, at, at + header));
    }
    const pseudo = side === 6 ? pseudoSum6(out, at + 8, at + 24, PROTOCOL.udp, udp) : pseudoSum4(out, at + 12, at + 16, PROTOCOL.udp, udp);
    const check = finishSum(sum16(out, t, t + udp, pseudo));
    putU16(out, t + 6, check === 0 ? 0xffff : check);
    sink.push(header + udp, header + udp, side, turn ? SINK_KIND.error : SINK_KIND.translated);
    return fits ? reason : REASON.dnsTruncated;
  }
}

function pass(b: Uint8Array, o: number, length: number, wire: number, side: 4 | 6, sink: PacketSink, code: number): number {
  const at = sink.reserve(length);
  if (at < 0) return REASON.sinkFull;
  copyBytes(sink.bytes, at, b, o, length);
  sink.push(length, wire, side, SINK_KIND.translated);
  return code;
}

/** The message without its records, but for OPT. */
function cut(message: DnsMessage): DnsMessage {
  const additionals = message.additionals.filter(({ type }) => type === DNS_TYPE.OPT);
  return { ...message, truncated: true, answers: [], authorities: [], additionals };
}

/** Sets an entry; where there are as many as may be, the first one goes. */
function remember<T>(map: Map<string, T>, most: number, key: string, value: T): void {
  if (map.size >= most && !map.has(key)) {
    const first = map.keys().next();
    if (first.done !== true) map.delete(first.value);
  }
  map.set(key, value);
}
