import { expect, test } from 'vitest';
import { packetMentions } from './packet-links.ts';

test('packet numbers in a line', () => {
  expect(packetMentions('first difference: packet 2,113 (held), then Packet #7')).toEqual([
    { text: 'packet 2,113', number: 2_113, at: 18 },
    { text: 'Packet #7', number: 7, at: 44 },
  ]);
});

test('what is no packet number is left alone', () => {
  expect(packetMentions('packets 12, packet loss 3 %, packet x, subpacket 4')).toEqual([]);
});
