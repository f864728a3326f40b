import { describe, expect, it } from 'vitest';
import { unwrap } from '../../base/index.ts';
import { createTranslator, isTranslated, PacketSink } from '../../translator/index.ts';
import { samplePackets } from '../../wire/index.ts';
import { LiveRun, parseTranslator, type LiveFrames } from './index.ts';

const OWN = { 6: [2, 0, 0, 0, 0, 6], 4: [2, 0, 0, 0, 0, 4] } as const;
const NEXT = { 6: [2, 0, 0, 0, 1, 6], 4: [2, 0, 0, 0, 1, 4] } as const;
const ETHERNET_BYTES = 14;
const CONFIG = "mode: nat64\npool6: ['64:ff9b::/96']\nown4: 192.0.2.1\nnat64: { pool4: [{ prefix: 203.0.113.7/32 }] }\n";

const translator = () => unwrap(createTranslator(unwrap(parseTranslator(CONFIG))));

/** Bytes of IPv6 UDP packets from one host to 192.0.2.x behind the prefix. */
function udp6(host: number, payloadBytes: number): Uint8Array {
  const b = new Uint8Array(48 + payloadBytes);
  b[0] = 0x60;
  b[5] = 8 + payloadBytes;
  b[4] = (8 + payloadBytes) >>> 8;
  b[6] = 17;
  b[7] = 64;
  b.set([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host], 8);
  b.set([0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 9], 24);
  b.set([0x30, host, 0, 80, (8 + payloadBytes) >>> 8, 8 + payloadBytes, 0x12, 0x34], 40);
  return b;
}

function frames(packets: readonly Uint8Array[], etherType: number): LiveFrames {
  const bytes = new Uint8Array(packets.reduce((sum, p) => sum + p.length + ETHERNET_BYTES, 0));
  const offset = new Uint32Array(packets.length);
  const lengths = Uint32Array.from(packets, (p) => p.length + ETHERNET_BYTES);
  let at = 0;
  for (const [i, packet] of packets.entries()) {
    offset[i] = at;
    bytes.set([etherType >>> 8, etherType & 0xff], at + 12);
    bytes.set(packet, at + ETHERNET_BYTES);
    at += lengths[i]!;
  }
  return { bytes, offset, capLen: lengths, origLen: lengths, tNs: Float64Array.from(packets, (_, i) => i * 1_000), count: packets.length };
}

interface Sent {
  readonly side: 4 | 6;
  readonly frame: Uint8Array;
}

function live(taken: (sent: Sent) => boolean = () => true): {
  readonly run: LiveRun;
  readonly sent: Sent[];
  readonly flushed: { count: number };
} {
  const sent: Sent[] = [];
  const flushed = { count: 0 };
  const side = (family: 4 | 6) => ({
    own: Uint8Array.from(OWN[family]),
    nextHop: Uint8Array.from(NEXT[family]),
    send: (frame: Uint8Array, lengthBytes: number) => {
      sent.push({ side: family, frame: frame.slice(0, lengthBytes) });
      return taken(sent.at(-1)!);
    },
    flush: () => {
      flushed.count = sent.length;
    },
  });
  return { run: new LiveRun(translator(), side(6), side(4)), sent, flushed };
}

describe('live run', () => {
  it('sends what the translator makes, as frames from the interface to the next hop, and answers come back', () => {
    const { run, sent, flushed } = live();
    const packets = [udp6(1, 20), udp6(2, 1_400), udp6(1, 20)];
    run.take(6, frames(packets, 0x86dd));
    const plain = translator();
    const sink = new PacketSink(65_536, 16);
    for (const packet of packets) expect(isTranslated(plain.translate(6, packet, 0, packet.length, packet.length, sink, 0))).toBe(true);
    expect([sent.length, flushed.count]).toEqual([3, 3]);
    for (const [i, { side, frame }] of sent.entries()) {
      expect(side).toBe(4);
      expect([...frame.subarray(0, ETHERNET_BYTES)]).toEqual([...NEXT[4], ...OWN[4], 0x08, 0x00]);
      expect(frame.subarray(ETHERNET_BYTES)).toEqual(sink.packet(i));
    }
    const answer = sent[0]!.frame.slice(ETHERNET_BYTES);
    const turned = Uint8Array.from([...answer.subarray(0, 12), ...answer.subarray(16, 20), ...answer.subarray(12, 16), ...answer.subarray(22, 24), ...answer.subarray(20, 22), ...answer.subarray(24)]); // prettier-ignore
    run.take(4, frames([turned], 0x0800));
    expect(sent).toHaveLength(4);
    expect(sent[3]!.side).toBe(6);
    expect([...sent[3]!.frame.subarray(0, ETHERNET_BYTES)]).toEqual([...NEXT[6], ...OWN[6], 0x86, 0xdd]);
    expect(sent[3]!.frame.subarray(ETHERNET_BYTES + 24, ETHERNET_BYTES + 40)).toEqual(packets[0]!.subarray(8, 24));
    const { side6, side4, tables } = run.finish();
    expect([side6.received, side6.sent, side4.received, side4.sent, tables?.sessions]).toEqual([3, 1, 1, 3, 2]);
  });

  it('fragments and errors leave as frames too', () => {
    const { run, sent } = live();
    const large = udp6(1, 3_000);
    run.take(6, frames([large], 0x86dd));
    expect(sent.length).toBeGreaterThan(0);
    for (const { side, frame } of sent) {
      expect([...frame.subarray(0, 12)]).toEqual([...NEXT[side], ...OWN[side]]);
      expect(frame[ETHERNET_BYTES]! >>> 4).toBe(side);
    }
  });

  it('counts what is not of its side, and what was not taken', () => {
    const { run, sent } = live(() => false);
    run.take(4, frames([udp6(1, 20)], 0x86dd));
    run.take(6, frames([udp6(1, 20)], 0x0800));
    run.take(6, frames([new Uint8Array(0)], 0x86dd));
    expect(sent).toHaveLength(0);
    run.take(6, frames([udp6(1, 20)], 0x86dd));
    const { side6, side4 } = run.finish();
    expect(side4).toEqual({ received: 1, sent: 0, sentBytes: 0, notSent: 1, other: 1 });
    expect(side6.other).toBe(2);
  });

  it('never throws on packets of any kind', () => {
    const { run } = live();
    const packets = samplePackets().filter(({ linkType }) => linkType === 1).map(({ bytes }) => bytes.subarray(ETHERNET_BYTES)); // prettier-ignore
    expect(packets.length).toBeGreaterThan(5);
    run.take(6, frames(packets, 0x86dd));
    run.take(4, frames(packets, 0x0800));
    expect(run.finish().side6.received).toBe(packets.length);
  });
});
