import { expect, it } from 'vitest';
import { NS_PER_S } from '../../base/index.ts';
import { convertersSchema } from '../../contract/index.ts';
import { ConverterRole } from './converter-role.ts';
import { Relay } from './relay.ts';

const { converter } = convertersSchema.parse({
  name: 'x',
  terminals: [{ id: 'nine', family: 'dual', converter: { capacity: 2, relayUs: 1_000, queuePackets: 8 } }],
}).terminals[0]!;

const make = (relayBps = 1e6): ConverterRole =>
  new ConverterRole(converter!, new Relay('binding', 100, 1, new Uint8Array(16), new Uint8Array(12)), relayBps);
const asked = { session: 7, rateBps: 1_000, ownParty: false };

it('refuses a session it has, and one it is a party of: nothing goes in a circle (T-19)', () => {
  const role = make();
  expect(role.refuse(asked, false, 0)).toBe('');
  role.relay.reserve(7, 0, 1_000);
  expect(role.refuse(asked, false, 0)).toBe('has the session already');
  expect(role.refuse({ ...asked, session: 8, ownParty: true }, false, 0)).toBe('a party of the call');
  expect(Object.fromEntries(role.refusals)).toEqual({ 'has the session already': 1, 'a party of the call': 1 });
});

it('refuses what is more than its capacity or its bandwidth, less of it in a call of its own (T-07)', () => {
  const role = make(1_500);
  expect([role.capacity(false), role.capacity(true)]).toEqual([2, 1]);
  role.relay.reserve(7, 0, 1_000);
  expect(role.refuse({ ...asked, session: 8 }, true, 0)).toBe('full');
  expect(role.refuse({ ...asked, session: 8 }, false, 0)).toBe('no bandwidth beside a call of its own');
  role.relay.release(7);
  expect(role.refuse({ ...asked, session: 8 }, true, 0)).toBe('');
});

it('is overloaded past the upper mark until below the lower one, and takes no session between (T-18)', () => {
  const role = make();
  let nowNs = 0;
  /** A second with so many packets of a millisecond. */
  const second = (packets: number): boolean => {
    for (let i = 0; i < packets; i++) role.process(nowNs + (i * NS_PER_S) / packets, false);
    nowNs += NS_PER_S;
    return role.overloaded(nowNs);
  };
  expect([second(850), second(950), second(850), second(650), second(850)]).toEqual([false, true, true, false, false]);
  second(950);
  expect(role.refuse(asked, false, nowNs)).toBe('its processor is busy');
  // With nothing to do it does not stay busy.
  expect(role.refuse(asked, false, nowNs + 3 * NS_PER_S)).toBe('');
});
