import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { putU16, u16, unwrap } from '../base/index.ts';
import { translatorSchema, type TranslatorInput } from '../contract/index.ts';
import { checksum, formatIpv4, formatIpv6, parseIpv4, pseudoSum4, sum16, sumIsGood } from '../wire/index.ts';
import { createTranslator } from './create.ts';
import { compileMapRules, PortSet, portRanges } from './map-rules.ts';
import { Mapt } from './mapt.ts';
import { isTranslated, reasonOf } from './reasons.ts';
import { newSink } from './test-support.ts';

// The domain of RFC 7599 appendix A, with its edge.
const RULE = { v6: '2001:db8::/40', v4: '192.0.2.0/24', eaBits: 16, psidOffset: 6, forward: true };
const DOMAIN = { dmr: '2001:db8:ffff::/64', rules: [RULE] };
const OUTSIDE = '10.2.3.4';
const TCP = 6;
const UDP = 17;
const SYN = 2;
const ACK = 16;

function make(mapt: TranslatorInput['mapt']): Mapt {
  const made = unwrap(createTranslator(translatorSchema.parse({ mode: 'mapt', mapt: { ...DOMAIN, ...mapt } })));
  if (!(made instanceof Mapt)) throw new Error('not MAP-T');
  return made;
}
const relay = (): Mapt => make({});
const edge = (mapt: TranslatorInput['mapt'] = {}): Mapt => make({ role: 'ce', endUserPrefix: '2001:db8:12:3400::/56', ...mapt });
const set = new PortSet(unwrap(compileMapRules(translatorSchema.parse({ mapt: DOMAIN }).mapt))[0]!, 0x34);

interface Packet {
  readonly from: string;
  readonly port: number;
  readonly to: string;
  readonly toPort: number;
  readonly protocol?: number;
  readonly flags?: number;
  readonly id?: number;
  /** Flags and fragment offset of the IP header. */
  readonly fragment?: number;
}

/** TCP, UDP, or with protocol 1 an echo request (`port` is its identifier, `toPort` 8 or 0 its type). */
function packet({ from, port, to, toPort, protocol = UDP, flags = ACK, id = 7, fragment = 0x4000 }: Packet): Uint8Array {
  const b = new Uint8Array(20 + 24);
  b.set([0x45, 0, 0, b.length, id >> 8, id & 255, fragment >> 8, fragment & 255, 64, protocol]);
  b.set(parseIpv4(from)!, 12);
  b.set(parseIpv4(to)!, 16);
  putU16(b, 10, checksum(b, 0, 20));
  if (protocol === 1) {
    b[20] = toPort;
    putU16(b, 24, port);
    putU16(b, 22, checksum(b, 20, b.length));
    return b;
  }
  putU16(b, 20, port);
  putU16(b, 22, toPort);
  if (protocol === UDP) putU16(b, 24, 24);
  else b.set([0x50, flags], 32);
  putU16(b, protocol === UDP ? 26 : 36, checksum(b, 20, b.length, pseudoSum4(b, 12, 16, protocol, 24)));
  return b;
}

function give(t: Mapt, b: Uint8Array, nowNs = 0): [string, Uint8Array] {
  const sink = newSink();
  const code = t.translate(b[0]! >> 4 === 6 ? 6 : 4, b, 0, b.length, b.length, sink, nowNs);
  return [reasonOf(code).id, sink.count > 0 ? sink.packet(0) : new Uint8Array(64)];
}

/** Through the edge and the relay to the outside, or back; the reason is that of the first who does not translate. */
function cross(first: Mapt, second: Mapt, b: Uint8Array, nowNs = 0): [string, Uint8Array] {
  const [id, between] = give(first, b, nowNs);
  return id === 'translated' ? give(second, between, nowNs) : [id, between];
}

function expectValid(b: Uint8Array): void {
  expect(sumIsGood(sum16(b, 0, 20))).toBe(true);
  const bytes = b.length - 20;
  expect(sumIsGood(sum16(b, 20, b.length, b[9] === 1 ? 0 : pseudoSum4(b, 12, 16, b[9]!, bytes)))).toBe(true);
}

const tuple = (b: Uint8Array): [string, number, string, number] => [formatIpv4(b, 12), u16(b, 20), formatIpv4(b, 16), u16(b, 22)];

describe('the port set of an edge', () => {
  it('is that of the list of its ranges', () => {
    const ruleOf = (psidOffset: number, eaBits: number) => unwrap(compileMapRules(translatorSchema.parse({ mapt: { rules: [{ ...RULE, psidOffset, eaBits }] } }).mapt))[0]!; // prettier-ignore
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        fc.integer({ min: 0, max: 8 }),
        fc.nat(255),
        fc.nat(0xffff),
        (offset, bits, some, port) => {
          const rule = ruleOf(offset, 8 + bits);
          const psid = some % 2 ** bits;
          const ports = new PortSet(rule, psid);
          const all = portRanges(rule, psid);
          expect(ports.count).toBe(all.reduce((sum, [low, high]) => sum + high - low + 1, 0));
          expect([ports.at(0), ports.at(ports.count - 1)]).toEqual([all[0]![0], all.at(-1)![1]]);
          expect(ports.holds(port)).toBe(all.some(([low, high]) => port >= low && port <= high));
          expect(ports.holds(ports.at(port % ports.count))).toBe(true);
        },
      ),
    );
  });
});

describe('MAP-T edge with NAPT44 (RFC 7599 sections 8.1 and 8.2)', () => {
  it('gives hosts inside its address and ports of its set, which the relay takes, and the answer comes back', () => {
    const ce = edge();
    const br = relay();
    const ports = new Set<number>();
    for (let host = 1; host <= 40; host++) {
      const from = `192.168.1.${host}`;
      const before = packet({ from, port: 40_000, to: OUTSIDE, toPort: 53 });
      const [id, out] = cross(ce, br, before);
      expect(id).toBe('translated');
      expectValid(out);
      const [source, port] = tuple(out);
      expect(source).toBe('192.0.2.18');
      expect(set.holds(port)).toBe(true);
      // RFC 4787 REQ-4: parity is kept.
      expect(port % 2).toBe(0);
      ports.add(port);
      const [back, answer] = cross(br, ce, packet({ from: OUTSIDE, port: 53, to: '192.0.2.18', toPort: port }));
      expect(back).toBe('translated');
      expectValid(answer);
      expect(tuple(answer)).toEqual([OUTSIDE, 53, from, 40_000]);
    }
    expect(ports.size).toBe(40);
    // The same host and port to another peer: the same mapping (RFC 4787 REQ-1). One hop in all: TTL 64 became 63 and 62.
    const again = cross(ce, br, packet({ from: '192.168.1.1', port: 40_000, to: '10.9.9.9', toPort: 99 }))[1];
    expect(ports.has(u16(again, 20))).toBe(true);
    expect(again[8]).toBe(62);
    expect(ce.edge!.napt.bindings.count).toBe(40);
    expect(ce.edge!.napt.sessions.count).toBe(41);
  });

  it('keeps a port that is in its set and free', () => {
    const ce = edge();
    const from = '172.16.0.9';
    expect(u16(give(ce, packet({ from, port: 1_233, to: OUTSIDE, toPort: 53 }))[1], 40)).toBe(1_233);
    expect(u16(give(ce, packet({ from: '172.16.0.8', port: 1_233, to: OUTSIDE, toPort: 53 }))[1], 40)).not.toBe(1_233);
  });

  it('rewrites the identifier of ICMP queries to the set (section 9)', () => {
    const ce = edge();
    const br = relay();
    const [id, out] = cross(ce, br, packet({ from: '192.168.1.7', port: 3, to: OUTSIDE, toPort: 8, protocol: 1 }));
    expect(id).toBe('translated');
    expectValid(out);
    expect([out[20], set.holds(u16(out, 24))]).toEqual([8, true]);
    const [back, answer] = cross(br, ce, packet({ from: OUTSIDE, port: u16(out, 24), to: '192.0.2.18', toPort: 0, protocol: 1 }));
    expect(back).toBe('translated');
    expectValid(answer);
    expect([formatIpv4(answer, 16), u16(answer, 24)]).toEqual(['192.168.1.7', 3]);
    expect(give(ce, packet({ from: '192.168.1.7', port: 99, to: OUTSIDE, toPort: 0, protocol: 1 }))[0]).toBe('naptNoState');
  });

  it('filters by address (section 13), or not, and drops what has no binding in silence (section 8.2)', () => {
    const first = packet({ from: '192.168.1.7', port: 1_233, to: OUTSIDE, toPort: 53 });
    const from = (address: string, port: number) => packet({ from: address, port, to: '192.0.2.18', toPort: 1_233 });
    for (const filtering of ['address-dependent', 'endpoint-independent'] as const) {
      const ce = edge({ napt44: { filtering } });
      expect(cross(relay(), ce, from(OUTSIDE, 53))).toEqual(['naptNoBinding', new Uint8Array(64)]);
      expect(give(ce, first)[0]).toBe('translated');
      expect(cross(relay(), ce, from(OUTSIDE, 99))[0]).toBe('translated');
      const stranger = cross(relay(), ce, from('10.7.7.7', 53))[0];
      expect(stranger).toBe(filtering === 'address-dependent' ? 'naptFiltered' : 'translated');
    }
  });

  it('TCP opens with a SYN from inside, and its states run out as those of NAT64', () => {
    const ce = edge();
    const br = relay();
    const flow = { from: '192.168.1.7', port: 1_233, to: OUTSIDE, toPort: 80, protocol: TCP };
    const reply = { from: OUTSIDE, port: 80, to: '192.0.2.18', toPort: 1_233, protocol: TCP };
    const { sessions, bindings } = ce.edge!.napt;
    expect(give(ce, packet(flow))[0]).toBe('naptNoState');
    expect(cross(ce, br, packet({ ...flow, flags: SYN }))[0]).toBe('translated');
    expect(cross(br, ce, packet({ ...reply, flags: SYN | ACK }))[0]).toBe('translated');
    expect(cross(ce, br, packet(flow), 1e9)[0]).toBe('translated');
    expect(sessions.timer(0)).toBe(2);
    // Two hours of silence, four minutes more (RFC 5382 REQ-5), then the port is free.
    expect(give(ce, packet({ ...flow, port: 1_234, flags: SYN }), 7_300e9)[0]).toBe('translated');
    expect(bindings.count).toBe(2);
    expect(cross(br, ce, packet(reply), 7_302e9)[0]).toBe('translated');
    expect(give(ce, packet({ ...flow, port: 1_235, flags: SYN }), 15_000e9)[0]).toBe('translated');
    expect([bindings.count, sessions.count, ce.edge!.napt.expired]).toEqual([1, 1, 2]);
  });

  it('refuses by name when ports or tables are used up, and has room again later', () => {
    const ce = edge();
    const open = (i: number, nowNs: number, t = ce) => give(t, packet({ from: `192.168.${i >> 8}.${i & 255}`, port: 5_000, to: OUTSIDE, toPort: 53 }), nowNs)[0]; // prettier-ignore
    expect(set.count).toBe(252);
    for (let i = 0; i < 252; i++) expect(open(i, i)).toBe('translated');
    expect(open(252, 300)).toBe('naptPortsUsed');
    expect(open(252, 301e9)).toBe('translated');
    const small = edge({ napt44: { maxSessions: 16 } });
    for (let i = 0; i < 16; i++) expect(open(i, 0, small)).toBe('translated');
    expect(open(16, 0, small)).toBe('sessionsFull');
    const few = edge({ napt44: { maxBindings: 16 } });
    for (let i = 0; i < 16; i++) expect(open(i, 0, few)).toBe('translated');
    expect(open(16, 0, few)).toBe('bindingsFull');
  });

  it('an error from outside reaches the host inside, about the packet it sent', () => {
    const ce = edge();
    const br = relay();
    const sent = packet({ from: '192.168.1.7', port: 5_001, to: OUTSIDE, toPort: 53 });
    const [, out] = cross(ce, br, sent);
    const [id, error] = cross(br, ce, icmpError(OUTSIDE, '192.0.2.18', out));
    expect(id).toBe('translated');
    expectValid(error);
    expect([formatIpv4(error, 12), formatIpv4(error, 16)]).toEqual([OUTSIDE, '192.168.1.7']);
    expect(tuple(error.subarray(28))).toEqual(tuple(sent));
    // Ports and checksum of the quoted packet are those of the packet that was sent.
    expect(error.subarray(48)).toEqual(sent.subarray(20));
  });

  it('an error from inside leaves with the address of the edge, about the packet that came in', () => {
    const ce = edge();
    const br = relay();
    give(ce, packet({ from: '192.168.1.7', port: 1_233, to: OUTSIDE, toPort: 53 }));
    const came = packet({ from: OUTSIDE, port: 53, to: '192.0.2.18', toPort: 1_233 });
    const [, inside] = cross(br, ce, came);
    // A router inside, not the host.
    const [id, error] = cross(ce, br, icmpError('192.168.0.1', OUTSIDE, inside));
    expect(id).toBe('translated');
    expectValid(error);
    expect([formatIpv4(error, 12), formatIpv4(error, 16)]).toEqual(['192.0.2.18', OUTSIDE]);
    expect(tuple(error.subarray(28))).toEqual(tuple(came));
    expect(give(ce, icmpError('192.168.0.1', OUTSIDE, packet({ from: OUTSIDE, port: 54, to: '192.168.1.9', toPort: 1 })))[0]).toBe('naptNoBinding'); // prettier-ignore
  });

  it('fragments have an identification of the port set, the same for all of a packet (section 10.3)', () => {
    const ce = edge();
    const part = (id: number, fragment: number) => packet({ from: '192.168.1.7', port: 5_001, to: OUTSIDE, toPort: 53, id, fragment });
    const seen = new Set<number>();
    for (let id = 1; id <= 20; id++) {
      const sink = newSink();
      // The second one first: it waits.
      const late = part(id, 3);
      expect(reasonOf(ce.translate(4, late, 0, late.length, late.length, sink, id)).id).toBe('mapFragmentHeld');
      const first = part(id, 0x2000);
      expect(isTranslated(ce.translate(4, first, 0, first.length, first.length, sink, id))).toBe(true);
      expect(sink.count).toBe(2);
      const [a, b] = [sink.packet(0), sink.packet(1)];
      expect(formatIpv6(a, 8)).toBe(formatIpv6(b, 8));
      expect(u16(a, 46)).toBe(u16(b, 46));
      expect(set.holds(u16(a, 46))).toBe(true);
      seen.add(u16(a, 46));
    }
    expect(seen.size).toBe(20);
  });

  it('later fragments from outside reach the host of the first one', () => {
    const ce = edge();
    const br = relay();
    give(ce, packet({ from: '192.168.1.7', port: 1_233, to: OUTSIDE, toPort: 53 }));
    const part = (fragment: number) => give(br, packet({ from: OUTSIDE, port: 53, to: '192.0.2.18', toPort: 1_233, id: 9, fragment }))[1];
    const [first, late] = [part(0x2000), part(3)];
    expect(give(ce, late)[0]).toBe('mapFragmentHeld');
    const sink = newSink();
    expect(isTranslated(ce.translate(6, first, 0, first.length, first.length, sink, 0))).toBe(true);
    expect([0, 1].map((i) => formatIpv4(sink.packet(i), 16))).toEqual(['192.168.1.7', '192.168.1.7']);
  });

  it('any conversations there and back reach the tuple they began at, and ports are never shared', () => {
    const flow = fc.record({ host: fc.nat(255), port: fc.nat(0xffff), toPort: fc.nat(0xffff), protocol: fc.constantFrom(TCP, UDP), at: fc.nat(1_000) }); // prettier-ignore
    fc.assert(
      fc.property(fc.array(flow, { maxLength: 60 }), (flows) => {
        const ce = edge();
        const br = relay();
        const owner = new Map<string, string>();
        let nowNs = 0;
        for (const { host, port, toPort, protocol, at } of flows) {
          nowNs += at * 1e6;
          const from = `192.168.1.${host}`;
          const sent = packet({ from, port, to: OUTSIDE, toPort, protocol, flags: SYN });
          const [id, out] = cross(ce, br, sent, nowNs);
          expect(id).toBe('translated');
          expectValid(out);
          const mapped = u16(out, 20);
          const key = `${protocol} ${mapped}`;
          expect(owner.get(key) ?? `${from} ${port}`).toBe(`${from} ${port}`);
          owner.set(key, `${from} ${port}`);
          const [back, answer] = cross(br, ce, packet({ from: OUTSIDE, port: toPort, to: '192.0.2.18', toPort: mapped, protocol }), nowNs);
          expect(back).toBe('translated');
          expect(tuple(answer)).toEqual([OUTSIDE, toPort, from, port]);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('never throws, whatever comes', () => {
    const ce = edge();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 120 }), fc.boolean(), (bytes, six) => {
        bytes[0] = (six ? 0x60 : 0x45) | (bytes[0]! & 0x0f);
        expect(() => give(ce, bytes)).not.toThrow();
      }),
      { numRuns: 100 },
    );
  });
});

function icmpError(from: string, to: string, quoted: Uint8Array): Uint8Array {
  const b = new Uint8Array(28 + quoted.length);
  b.set([0x45, 0, 0, b.length, 0, 0, 0, 0, 64, 1]);
  b.set(parseIpv4(from)!, 12);
  b.set(parseIpv4(to)!, 16);
  putU16(b, 10, checksum(b, 0, 20));
  b.set([3, 3], 20);
  b.set(quoted, 28);
  putU16(b, 22, checksum(b, 20, b.length));
  return b;
}
