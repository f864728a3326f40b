import { describe, expect, it } from 'vitest';
import { NS_PER_S, putU16 } from '../../base/index.ts';
import { multicastTimersSchema } from '../../contract/index.ts';
import { checksum, foldSum, sum16 } from '../../wire/index.ts';
import { dataPacket, nullRegisterPacket, pimPacket } from '../messages/index.ts';
import { pimSettings } from './index.ts';
import { ASM, RP, rig, S, sg, SSM, star, type Rig } from './testing/rig.ts';

/** The tables of RFC 7761 section 4.4: interface 2 has the source on it, the rendezvous point is behind interface 0. */

const packet = nullRegisterPacket(4, S, ASM);

type State = 'NI' | 'J' | 'P' | 'JP';

function dr(): Rig {
  const r = rig();
  r.world.routes.set(S, { iface: 2, neighbour: '', metric: 0, preference: 0 });
  return r;
}

const source = (r: Rig, group = ASM): void => {
  r.pim.data(S, group, 2, packet);
};
const stop = (r: Rig): void => {
  r.pim.receive({ kind: 'register-stop', source: S, group: ASM }, 0, RP, '10.255.0.1');
};

const stopAny = (r: Rig): void => {
  r.pim.receive({ kind: 'register-stop', source: '0.0.0.0', group: ASM }, 0, RP, '10.255.0.1');
};

function at(state: State): Rig {
  const r = dr();
  if (state !== 'NI') source(r);
  if (state === 'P' || state === 'JP') stop(r);
  if (state === 'JP') {
    const timer = r.pim.find(S, ASM)!.register!.timer!;
    r.run((timer.atNs - r.clock.nowNs) / NS_PER_S);
  }
  r.unicasts.length = 0;
  return r;
}

const NAMES = { join: 'J', prune: 'P', 'join-pending': 'JP' } as const;
const stateOf = (r: Rig): State => {
  const register = r.pim.find(S, ASM)?.register;
  return register === undefined ? 'NI' : NAMES[register.state];
};
/** Runs until the Register-Stop timer ends. */
const expires = (r: Rig): void => {
  const timer = r.pim.find(S, ASM)!.register!.timer!;
  r.run((timer.atNs - r.clock.nowNs) / NS_PER_S);
};
const newRp = (r: Rig, group = '233.252.0.0'): void => {
  r.pim.bootstrap.receive(
    {
      kind: 'bootstrap',
      noForward: false,
      fragmentTag: 1,
      hashMaskLength: 30,
      priority: 64,
      bsr: RP,
      groups: [
        {
          group,
          maskLength: 24,
          bidirectional: false,
          count: 1,
          rps: [{ address: '10.255.0.7', holdtimeS: 150, priority: 1 }],
        },
      ],
    },
    0,
    '10.0.0.1',
  );
};

const moves = (r: Rig): void => {
  r.world.routes.set(S, { iface: 0, neighbour: '10.0.0.1', metric: 1, preference: 1 });
  r.pim.refreshAll();
};

/** State, event, next state, kinds of messages sent. */
const TABLE: readonly (readonly [State, string, (r: Rig) => void, State, string[]])[] = [
  ['NI', 'CouldRegister becomes true', source, 'J', ['register']],
  ['NI', 'Register-Stop received', stop, 'NI', []],
  ['J', 'data', source, 'J', ['register']],
  ['J', 'Register-Stop received', stop, 'P', []],
  ['J', 'RP changed', (r) => newRp(r), 'J', []],
  ['J', 'CouldRegister becomes false: the source is silent', (r) => r.run(211), 'NI', []],
  ['J', 'CouldRegister becomes false: another router is the designated one', (r) => r.hello(2, '10.0.2.9'), 'NI', []],
  ['P', 'CouldRegister becomes false: another router is the designated one', (r) => r.hello(2, '10.0.2.9'), 'NI', []],
  ['J', 'CouldRegister becomes false: the source is not on a link of the router any more', moves, 'NI', []],
  ['P', 'CouldRegister becomes false: the source is not on a link of the router any more', moves, 'NI', []],
  ['JP', 'CouldRegister becomes false: the source is not on a link of the router any more', moves, 'NI', []],
  ['J', 'Register-Stop(*,G) received', stopAny, 'P', []],
  ['P', 'RP of other groups changed', (r) => newRp(r, '234.0.0.0'), 'P', []],
  ['P', 'data', source, 'P', []],
  ['P', 'Register-Stop received', stop, 'P', []],
  ['P', 'Register-Stop timer expires', expires, 'JP', ['null-register']],
  ['P', 'RP changed', (r) => newRp(r), 'J', []],
  ['JP', 'data', source, 'JP', []],
  ['JP', 'Register-Stop received', stop, 'P', []],
  ['JP', 'Register-Stop timer expires', expires, 'J', []],
  ['JP', 'RP changed', (r) => newRp(r), 'J', []],
];

const kinds = (r: Rig): string[] =>
  r.unicasts.map(({ message }) => (message.kind === 'register' && message.nullRegister ? 'null-register' : message.kind));

describe('the register machine of the designated router (section 4.4.1)', () => {
  it.each(TABLE)('in %s at "%s"', (state, _event, happen, next, said) => {
    const r = at(state);
    expect(stateOf(r)).toBe(state);
    happen(r);
    expect(stateOf(r)).toBe(next);
    expect(kinds(r)).toEqual(said);
  });

  it('sends to the new rendezvous point, whose mapping ends with its hold time', () => {
    const r = at('P');
    newRp(r);
    source(r);
    expect(r.unicasts.map(({ destination }) => destination)).toEqual(['10.255.0.7']);
    // The list is taken again when the bootstrap router is given up, after 130 s (RFC 5059 section 3.1.5).
    r.run(279);
    expect(r.pim.rp(ASM)).toBe('10.255.0.7');
    r.run(2);
    expect(r.pim.rp(ASM)).toBe(RP);
  });

  it('a Register-Stop(*,G) is of the sources that are registered now', () => {
    const r = at('J');
    const later = '192.0.2.34';
    r.world.routes.set(later, { iface: 2, neighbour: '', metric: 0, preference: 0 });
    stopAny(r);
    r.pim.data(later, ASM, 2, packet);
    expect(kinds(r)).toEqual(['register']);
    expect(r.pim.find(later, ASM)!.register!.state).toBe('join');
  });

  it('a registered packet has a hop less and its own traffic class', () => {
    const r = dr();
    const data = dataPacket(4, { source: S, destination: ASM, payload: new Uint8Array(4), ttl: 9, sourcePort: 1, destinationPort: 2 });
    data[1] = 0xb8;
    putU16(data, 10, 0);
    putU16(data, 10, checksum(data, 0, 20));
    r.pim.data(S, ASM, 2, data);
    const { message } = r.unicasts[0]!;
    if (message.kind !== 'register') throw new Error('no register');
    expect(message.packet[8]).toBe(8);
    expect(foldSum(sum16(message.packet, 0, 20))).toBe(0xffff);
    expect(pimPacket(message, 4, '10.255.0.1', RP, 64)[1]).toBe(0xb8);
    data[8] = 1;
    r.pim.data(S, ASM, 2, data);
    expect(r.unicasts).toHaveLength(1);
  });

  it('a second Register-Stop does not lengthen the silence', () => {
    const r = at('P');
    const { atNs } = r.pim.find(S, ASM)!.register!.timer!;
    r.run(5);
    stop(r);
    expect(r.pim.find(S, ASM)!.register!.timer!.atNs).toBe(atNs);
    const [least, most] = [0.5 * 60 - 5, 1.5 * 60 - 5];
    expect(atNs / NS_PER_S).toBeGreaterThan(least);
    expect(atNs / NS_PER_S).toBeLessThan(most + 1);
  });

  it.each([6, 10, 60] as const)('probes before half of the silence is over, with %i s of Register_Suppression_Time (4.11)', (seconds) => {
    const { registerSuppressionNs, registerProbeNs } = pimSettings(multicastTimersSchema.parse({ registerSuppressionS: seconds }));
    expect(registerProbeNs).toBeLessThan(registerSuppressionNs / 2);
    if (seconds === 60) expect(registerProbeNs).toBe(5 * NS_PER_S);
  });

  it('no register where another router is the designated one, or the group is source-specific', () => {
    const r = dr();
    source(r, SSM);
    r.hello(2, '10.0.2.9');
    source(r);
    expect(r.unicasts).toEqual([]);
  });
});

interface AtRp {
  readonly name: string;
  readonly spt: boolean;
  readonly joined: boolean;
  readonly onTree: boolean;
  readonly nullRegister: boolean;
  readonly destination: string;
  readonly stops: boolean;
  readonly passed: boolean;
}

const base: Omit<AtRp, 'name'> = {
  spt: true,
  joined: true,
  onTree: false,
  nullRegister: false,
  destination: RP,
  stops: false,
  passed: true,
};
/** packet_arrives_on_rp_tunnel of section 4.4.2. */
const AT_RP: readonly AtRp[] = [
  { ...base, name: 'with receivers passes the packet on' },
  { ...base, name: 'without receivers stops the source', joined: false, stops: true, passed: false },
  { ...base, name: 'on the tree of the source stops it', onTree: true, stops: true, passed: false },
  { ...base, name: 'passes nothing of a null register', nullRegister: true, passed: false },
  { ...base, name: 'without receivers keeps a source it will not join', spt: false, joined: false, passed: false },
  { ...base, name: 'says nothing to what is for another', destination: '10.255.0.77', passed: false },
];

describe('registers at the rendezvous point (section 4.4.2)', () => {
  it.each(AT_RP)('$name', ({ spt, joined, onTree, nullRegister, destination, stops, passed }) => {
    const r = rig({ spt });
    r.world.own.add(RP);
    if (joined) r.jp(1, '10.0.1.1', [star], [], ASM);
    if (onTree) {
      r.jp(1, '10.0.1.1', [sg], [], ASM);
      r.pim.data(S, ASM, 0, packet);
    }
    r.pim.receive({ kind: 'register', border: false, nullRegister, packet }, 0, '10.255.0.3', destination);
    expect(kinds(r)).toEqual(stops ? ['register-stop'] : []);
    if (stops) expect(r.unicasts[0]!.destination).toBe('10.255.0.3');
    expect(r.decapsulated).toEqual(passed ? [S] : []);
    const tree = r.pim.find(S, ASM);
    if (destination !== RP || !spt) expect(tree).toBeUndefined();
    else expect((tree!.keepaliveUntilNs - r.clock.nowNs) / NS_PER_S).toBe(210);
  });

  it('keeps a source that is stopped for three silences and a probe, where that is longer (4.11)', () => {
    const r = rig({ timers: { registerSuppressionS: 90 } });
    r.world.own.add(RP);
    r.pim.receive({ kind: 'register', border: false, nullRegister: true, packet }, 0, '10.255.0.3', RP);
    expect((r.pim.find(S, ASM)!.keepaliveUntilNs - r.clock.nowNs) / NS_PER_S).toBe(275);
  });

  /** Bytes of the IPv4 header that are changed, its checksum (none: as it is, or made good again), and whether the register counts. */
  const NULLS: readonly (readonly [string, readonly [number, number] | null, number | 'good', boolean])[] = [
    ['a good checksum', null, 'good', true],
    ['no checksum', null, 0, true],
    ['a bad checksum', null, 0x1234, false],
    ['any other fields', [2, 9], 'good', true],
  ];
  it.each(NULLS)('takes a Null-Register by the checksum of its header alone: %s (4.9.3)', (_name, fields, sum, taken) => {
    const r = rig();
    r.world.own.add(RP);
    const inner = packet.slice();
    if (fields !== null) inner.fill(0xff, ...fields);
    putU16(inner, 10, 0);
    putU16(inner, 10, sum === 'good' ? checksum(inner, 0, 20) : sum);
    r.pim.receive({ kind: 'register', border: false, nullRegister: true, packet: inner }, 0, '10.255.0.3', RP);
    expect(r.pim.find(S, ASM) !== undefined).toBe(taken);
  });

  it.each([
    ['source-specific (4.8.1)', SSM],
    ['of the link', '224.0.0.5'],
  ])('says stop to a register of a group that is %s, and passes nothing on', (_name, group) => {
    const r = rig();
    r.world.own.add(RP);
    r.pim.receive({ kind: 'register', border: false, nullRegister: false, packet: nullRegisterPacket(4, S, group) }, 0, '10.255.0.3', RP);
    expect([kinds(r), r.decapsulated, r.pim.groups.size]).toEqual([['register-stop'], [], 0]);
  });

  it('another router than the rendezvous point stops the sender', () => {
    const r = rig();
    r.world.own.add('10.255.0.5');
    r.pim.receive({ kind: 'register', border: false, nullRegister: false, packet }, 0, '10.255.0.3', '10.255.0.5');
    expect(kinds(r)).toEqual(['register-stop']);
  });
});

describe('unknown sources (M-24)', () => {
  it('have room for so many; what is beyond is neither registered nor remembered, and is counted', () => {
    const r = rig({ maxUnknownSources: 2 });
    const send = (n: number): void => {
      r.world.routes.set(`192.0.2.${n}`, { iface: 2, neighbour: '', metric: 0, preference: 0 });
      r.pim.data(`192.0.2.${n}`, ASM, 2, packet);
    };
    for (const n of [1, 2, 3, 4, 3, 1]) send(n);
    expect(r.pim.unknown).toMatchObject({ size: 2, refused: 3 });
    expect(r.pim.counters.trees).toBe(2);
    expect(r.unicasts).toHaveLength(3);
    // A join makes one of them known, the other is forgotten when it is silent.
    r.jp(1, '10.0.1.1', [{ source: '192.0.2.1', wildcard: false, rpt: false }], [], ASM);
    expect(r.pim.unknown.size).toBe(1);
    send(3);
    expect(r.pim.unknown.size).toBe(2);
    r.run(300);
    expect(r.pim.unknown.size).toBe(0);
    // Sources of a joined group are not unknown.
    r.jp(1, '10.0.1.1', [star], [], ASM);
    for (const n of [5, 6, 7, 8]) send(n);
    expect(r.pim.unknown).toMatchObject({ size: 0, refused: 3 });
  });

  it('that are registered have the same room at the rendezvous point', () => {
    const r = rig({ maxUnknownSources: 1 });
    r.world.own.add(RP);
    for (const from of ['192.0.2.1', '192.0.2.2'])
      r.pim.receive({ kind: 'register', border: false, nullRegister: true, packet: nullRegisterPacket(4, from, ASM) }, 0, from, RP);
    expect(r.pim.unknown).toMatchObject({ size: 1, refused: 1 });
    expect(r.unicasts.map(({ message }) => message.kind)).toEqual(['register-stop', 'register-stop']);
  });
});
