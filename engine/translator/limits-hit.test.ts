import { describe, expect, it } from 'vitest';
import { unwrap } from '../base/index.ts';
import { translatorSchema, type TranslatorInput } from '../contract/index.ts';
import { createTranslator } from './create.ts';
import { limitsHit } from './limits-hit.ts';
import { newSink } from './test-support.ts';
import { ip4, ip6, tcp, udp } from './test-packets.ts';

const make = (input: TranslatorInput) => unwrap(createTranslator(translatorSchema.parse(input)));

describe('limits that no packet tells', () => {
  it('a NAT64 tells of rests cut short and of SYNs given up, and of nothing where nothing was', () => {
    const n = make({ mode: 'nat64', nat64: { pool4: [{ prefix: '203.0.113.1' }], portRest: { maxPorts: 1 }, timers: { udpS: 120 } } });
    const send = (side: 4 | 6, b: Uint8Array, nowNs: number): number => n.translate(side, b, 0, b.length, b.length, newSink(), nowNs);
    for (const port of [1, 2, 3]) send(6, ip6('2001:db8::1', '64:ff9b::c633:6409', 17, udp(port, 53)), 0);
    expect(limitsHit(n)).toEqual([]);
    send(4, ip4('198.51.100.9', '203.0.113.1', 6, tcp(5, 2_000, 2)), 130e9);
    send(6, ip6('2001:db8::1', '64:ff9b::c633:6409', 17, udp(9, 53)), 140e9);
    expect(limitsHit(n).map(({ id, count }) => [id, count])).toEqual([
      ['synsGivenUp', 1],
      ['portRestCut', 2],
    ]);
  });

  it('other modes have theirs', () => {
    expect([...limitsHit(make({ mode: 'siit' })), ...limitsHit(make({ mode: 'dns64' }))]).toEqual([]);
    expect(limitsHit(make({ mode: 'clat', clat: { provider: 'discover' } }))).toEqual([]);
  });
});
