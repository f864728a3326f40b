import { describe, expect, it, test } from 'vitest';
import { NS_PER_MS, NS_PER_S } from '../../base/index.ts';
import { convertersSchema, type ConvertersInput, type ConvertersSpec } from '../../contract/index.ts';
import { emitIpv4, emitUdp, sealUdp } from '../../wire/index.ts';
import { runConverters, type CapturedConversation, type PacketRecorder } from '../../translator/index.ts';
import { batchOf, makeTraffic, type Traffic } from '../testing/traffic.ts';
import { ConversationCollector } from './conversations.ts';

interface Said {
  readonly atMs: number;
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly text: string;
}

const address = (host: number): Uint8Array => Uint8Array.of(192, 0, 2, host);

function frame({ from, to, text }: Said): Uint8Array {
  const payload = new TextEncoder().encode(text);
  const b = new Uint8Array(14 + 28 + payload.length);
  b.set([0x08, 0x00], 12);
  emitIpv4(b, 14, { source: address(from[0]), destination: address(to[0]), protocol: 17, payloadLength: 8 + payload.length });
  emitUdp(b, 34, { sourcePort: from[1], destinationPort: to[1], payloadLength: payload.length });
  b.set(payload, 42);
  sealUdp(b, 34, 4, 26, 30);
  return b;
}

function collect(traffic: Traffic, size = 7): ConversationCollector {
  const collector = new ConversationCollector(size);
  for (let at = 0; at < traffic.frames.length; at += size) collector.take(batchOf(traffic, at, Math.min(traffic.frames.length, at + size)));
  return collector;
}

function trafficOf(said: readonly Said[]): Traffic {
  const frames = said.map(frame);
  return { frames, tsNs: said.map(({ atMs }) => atMs * NS_PER_MS), lengths: frames.map(({ length }) => length) };
}

const network = (input: Partial<ConvertersInput> = {}): ConvertersSpec =>
  convertersSchema.parse({
    name: 'test',
    durationS: 1,
    gateway: null,
    terminals: [
      { id: 'alice', family: 'v4', link4: { rttMs: 4, jitterMs: 0 } },
      { id: 'bob', family: 'v6', link6: { rttMs: 6, jitterMs: 0 } },
      { id: 'nine', family: 'dual', converter: { capacity: 8, ratePps: 10_000 } },
      { id: 'ten', family: 'dual', converter: { capacity: 8, ratePps: 10_000 } },
    ],
    ...input,
  });

/** A question every 100 ms, an answer 20 ms later, and one packet after a pause of five seconds. */
const QUESTIONS: readonly Said[] = [
  ...Array.from({ length: 20 }, (_, i): Said[] => [
    { atMs: 500 + 100 * i, from: [1, 5000], to: [2, 6000], text: `question ${String(i)}` },
    { atMs: 520 + 100 * i, from: [2, 6000], to: [1, 5000], text: `answer ${String(i)}` },
  ]).flat(),
  { atMs: 7_500, from: [1, 5000], to: [2, 6000], text: 'thanks' },
];

describe('conversations of a capture', () => {
  it('are the UDP packets between two addresses and ports, with times and payloads', () => {
    const [one, ...others] = collect(trafficOf(QUESTIONS)).finish();
    expect(others).toEqual([]);
    expect(one).toMatchObject({ name: '192.0.2.1:5000 → 192.0.2.2:6000', startNs: 0, lastNs: 7_000 * NS_PER_MS });
    const { forward, backward } = one!;
    expect([forward.atNs.length, backward.atNs.length, backward.atNs[1]]).toEqual([21, 20, 120 * NS_PER_MS]);
    const text = new TextDecoder().decode(backward.payload.subarray(backward.start[19], backward.start[20]));
    expect(text).toBe('answer 19');
  });

  it('do not depend on batches, and account for every packet', () => {
    const traffic = makeTraffic({ packets: 3_000, flows: 60, seed: 5, backwards: true });
    const all = collect(traffic, 3_000);
    const conversations = all.finish();
    expect(collect(traffic, 11).finish()).toEqual(conversations);
    const inside = conversations.reduce((sum, { forward, backward }) => sum + forward.atNs.length + backward.atNs.length, 0);
    const outside = Object.values(all.leftOut).reduce((sum, n) => sum + n, 0);
    expect(conversations.length).toBeGreaterThan(5);
    expect(inside + outside).toBe(3_000);
    for (const { forward, backward } of conversations) {
      for (const { atNs } of [forward, backward]) expect([...atNs]).toEqual([...atNs].sort((a, b) => a - b));
    }
  });

  it('leave out groups, and keep the length of what was cut off', () => {
    const group: Said = { atMs: 1, from: [1, 5353], to: [2, 5353], text: 'to all' };
    const traffic = trafficOf([group, ...QUESTIONS.slice(0, 1)]);
    traffic.frames[0]!.set([224, 0, 0, 251], 30);
    const cut = { ...traffic, frames: [traffic.frames[0]!, traffic.frames[1]!.subarray(0, 44)] };
    const collector = collect(cut);
    const [one] = collector.finish();
    expect(collector.leftOut).toEqual({ 'UDP packets of the capture to a group or to everybody': 1 });
    expect([...one!.forward.payload]).toEqual([0x71, 0x75, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});

it('leaves out what comes more than a day after the first packet: a file may hold two captures years apart', () => {
  const day = 86_400_000;
  const collector = collect(trafficOf([QUESTIONS[0]!, { ...QUESTIONS[1]!, atMs: 500 + day }, { ...QUESTIONS[2]!, atMs: 501 + day }]));
  const [one] = collector.finish();
  expect([one!.forward.atNs.length, one!.backward.atNs.length]).toEqual([1, 1]);
  expect(collector.leftOut).toEqual({ 'UDP packets more than a day after the first one': 1 });
});

it('begins with the first conversation, however long before that the capture began', () => {
  const years = 52 * 365 * 86_400_000;
  const traffic = trafficOf([{ ...QUESTIONS[0]!, atMs: 0 }, ...QUESTIONS.map((said) => ({ ...said, atMs: years + said.atMs }))]);
  // The first packet is of TCP.
  traffic.frames[0]![14 + 9] = 6;
  const [one] = collect(traffic).finish();
  expect(one).toMatchObject({ startNs: 0, lastNs: 7_000 * NS_PER_MS });
});

describe('a conversation as a call', () => {
  const conversations: readonly CapturedConversation[] = collect(trafficOf(QUESTIONS)).finish();

  it('goes through a converter packet by packet, as the capture has it', () => {
    const bytes: string[] = [];
    const recorder: PacketRecorder = (node, family, _tNs, b, offset, length) => {
      const text = new TextDecoder().decode(b.subarray(offset + 48, offset + length));
      if (node.role === 'dual' && family === 6) bytes.push(text);
    };
    const result = runConverters(network(), { conversations, recorder });
    const [session] = result.sessions;
    expect(result.sessions).toHaveLength(1);
    expect(session).toMatchObject({
      from: 'caller-1',
      to: 'callee-1',
      conversation: '192.0.2.1:5000 → 192.0.2.2:6000',
      path: 'terminal',
      state: 'ended',
      diverts: 0,
      forward: { sent: 21, received: 21 },
      backward: { sent: 20, received: 20 },
    });
    expect(session!.forward.longestGapMs).toBeGreaterThan(5_000);
    expect(result.totals).toMatchObject({ conserved: true, mediaSent: 41 });
    expect(bytes.filter((text) => text.startsWith('question'))).toHaveLength(20);
    expect(bytes.filter((text) => text.startsWith('answer'))).toHaveLength(20);
  });

  test.each(['binding', 'prefix'] as const)('survives the loss of its converter (%s)', (style) => {
    // The first choice is known from a run without the event.
    const chosen = runConverters(network({ style }), { conversations }).sessions[0]!.converter;
    const spec = network({ style, durationS: 5, events: [{ atS: 1.6, kind: 'leave', terminal: chosen }] });
    const result = runConverters(spec, { conversations });
    expect(result.diverts).toEqual([expect.objectContaining({ cause: 'drain', from: chosen, lost: 0 })]);
    expect(result.sessions[0]).toMatchObject({ state: 'ended', forward: { lost: 0 }, backward: { lost: 0 } });
    expect(runConverters(spec, { conversations })).toEqual(result);
  });

  it('is moved when its converter was away while nobody spoke (T-17)', () => {
    const chosen = runConverters(network(), { conversations }).sessions[0]!.converter;
    const events = [
      { atS: 4, kind: 'kill' as const, terminal: chosen },
      { atS: 4.5, kind: 'join' as const, terminal: chosen },
    ];
    const result = runConverters(network({ durationS: 5, events }), { conversations });
    expect(result.diverts).toEqual([expect.objectContaining({ cause: 'failure', from: chosen })]);
    // Five seconds without a word are the conversation's own.
    expect(result.diverts[0]!.gapMs).toBeLessThan(500);
    expect(result.sessions[0]).toMatchObject({ forward: { sent: 21, received: 21 }, backward: { lost: 0 } });
  });

  it('takes the place of the calls of the scenario, which keeps its terminals and events', () => {
    const spec = network({
      calls: [{ atS: 0.1, from: 'alice', to: 'bob', holdS: 1 }],
      load: { perS: 5 },
      events: [{ atS: 0.2, kind: 'own-call', terminal: 'nine', holdS: 9 }],
    });
    const result = runConverters(spec, { conversations });
    expect(result.totals.calls).toBe(1);
    expect(result.nodes.map(({ id }) => id)).toEqual(['alice', 'bob', 'nine', 'ten', 'caller-1', 'callee-1', 'switch']);
    expect(result.endNs).toBeGreaterThan(7 * NS_PER_S);
  });

  it('has terminals of other names than those of the scenario', () => {
    const { terminals } = network();
    const spec = network({ terminals: [...terminals, { id: 'caller', count: 2, family: 'v4' }] });
    const [session] = runConverters(spec, { conversations }).sessions;
    expect([session!.from, session!.to, session!.forward.received]).toEqual(['capture-caller-1', 'callee-1', 21]);
  });
});
