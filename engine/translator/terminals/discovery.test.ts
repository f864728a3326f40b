import { expect, it } from 'vitest';
import { DNS_TYPE, parseDns, type DnsMessage } from '../../wire/index.ts';
import { call, dual, phone4, phone6, run } from '../testing/terminals.ts';

interface Seen {
  readonly node: string;
  readonly family: 4 | 6;
  readonly tNs: number;
  readonly hops: number;
  readonly to: number;
  readonly message: DnsMessage;
}

/** Multicast DNS at all nodes while Alice calls Bob. */
function seen(converters: readonly ReturnType<typeof dual>[], queryMs = 60): { packets: Seen[]; result: ReturnType<typeof run> } {
  const packets: Seen[] = [];
  const result = run(
    { switch: { discovery: 'multicast', queryMs }, terminals: [phone4, phone6, ...converters], calls: [call] },
    {
      recorder: (node, family, tNs, b, offset, length) => {
        const udp = offset + (family === 4 ? 20 : 40);
        if (((b[udp + 2]! << 8) | b[udp + 3]!) !== 5_353) return;
        const message = parseDns(b, udp + 8, offset + length);
        if (!message.ok) throw new Error(message.error.message);
        packets.push({ node: node.id, family, tNs, hops: b[offset + (family === 4 ? 8 : 7)]!, to: b[offset + (family === 4 ? 16 : 24)]!, message: message.value }); // prettier-ignore
      },
    },
  );
  return { packets, result };
}

it('asks by multicast DNS in both families, and converters answer with what they announce (T-02)', () => {
  const { packets, result } = seen([dual('nine'), dual('ten', { chargePercent: 40 })]);
  const queries = packets.filter(({ message }) => !message.response);
  const answers = packets.filter(({ message }) => message.response);
  // The switch sends a copy by each family, and each converter gets both.
  expect(queries.map(({ node, family }) => `${node} ${String(family)}`).sort()).toEqual([
    'nine 4',
    'nine 6',
    'switch 4',
    'switch 6',
    'ten 4',
    'ten 6',
  ]);
  for (const { message, hops, to, family } of packets) {
    expect([hops, to]).toEqual([255, family === 4 ? 224 : 0xff]);
    if (!message.response) expect(message.questions).toMatchObject([{ name: '_converter._udp.local', type: DNS_TYPE.PTR }]);
  }
  // Each answer leaves its converter and comes to the switch.
  expect(answers.map(({ node }) => node).sort()).toEqual(['nine', 'switch', 'switch', 'ten']);
  const ten = answers.find(({ node }) => node === 'ten')!;
  const text = ten.message.additionals.find(({ type }) => type === DNS_TYPE.TXT)!;
  expect(text.data).toMatchObject({ kind: 'txt' });
  if (text.data.kind === 'txt')
    expect(text.data.strings.map((one) => new TextDecoder().decode(one))).toEqual([
      'capacity=4',
      'in-use=0',
      'own-call=0',
      'power=40 %',
      'link4=ethernet 10.0 ms',
      'link6=ethernet 10.0 ms',
    ]);
  expect(result.sessions[0]).toMatchObject({ path: 'terminal', state: 'ended' });
});

it('hears no answer of who is not enabled, or silenced by eight others (T-03)', () => {
  const many = Array.from({ length: 40 }, (_, i) => dual(`nine-${String(i)}`));
  const { packets, result } = seen([...many, dual('off', { enabled: false })], 400);
  const answered = new Set(packets.filter(({ message }) => message.response).map(({ node }) => node));
  expect(answered.has('off')).toBe(false);
  expect(answered.size - 1).toBeGreaterThanOrEqual(8);
  expect(answered.size - 1).toBeLessThan(40);
  expect(result.decisions[0]!.apart).toMatchObject({ 'silenced by the answers of others': 41 - answered.size });
});
