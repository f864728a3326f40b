import type { CallName, EngineHandlers, TranslatedFlow, TranslationPair, TranslatorPortRow } from '../../../engine/contract/index.ts';

type TranslatedCall = Extract<CallName, `translator.${string}`>;

const side = (source: string, sourcePort: number, destination: string, destinationPort: number) => ({ source, sourcePort, destination, destinationPort }); // prettier-ignore

/** Sums of the port that the conversations went through. */
export const NAT64_PORT: TranslatorPortRow = {
  id: 'nat64',
  mode: 'nat64',
  flows: 2,
  beyondLimit: 0,
  translated: 22,
  refused: 2,
  answered: 0,
  held: 0,
  tables: { bindings: 1, maxBindings: 64, sessions: 1, maxSessions: 64, expired: 0 },
};

/** Conversations of a scenario with one NAT64 port, for tests of the panel. */
export const TRANSLATED_FLOWS: readonly TranslatedFlow[] = [
  {
    id: 0,
    port: 'nat64',
    protocol: 'TCP',
    six: side('2001:db8:1::7', 49_152, '64:ff9b::c633:6409', 443),
    four: side('203.0.113.7', 49_152, '198.51.100.9', 443),
    flow6: 0,
    flow4: 1,
    state: 'ESTABLISHED',
    endsNs: 7_440e9,
    packets64: 12,
    packets46: 10,
    bytes64: 1_800,
    bytes46: 9_000,
    refused: 0,
    reason: 'translated',
    firstPacket: 3,
    lastPacket: 44,
    lastNs: 4e6,
  },
  {
    id: 1,
    port: 'nat64',
    protocol: 'UDP',
    six: null,
    four: side('198.51.100.10', 53, '203.0.113.7', 9_999),
    flow6: -1,
    flow4: 2,
    state: '',
    endsNs: null,
    packets64: 0,
    packets46: 0,
    bytes64: 0,
    bytes46: 0,
    refused: 2,
    reason: 'no binding for this IPv4 address and port',
    firstPacket: 9,
    lastPacket: 11,
    lastNs: 1e6,
  },
];

const BEFORE = Uint8Array.from({ length: 60 }, (_, i) => (i === 0 ? 0x60 : i));
const AFTER = Uint8Array.from({ length: 40 }, (_, i) => (i === 0 ? 0x45 : i));

export const TRANSLATION_PAIR: TranslationPair = {
  port: 'nat64',
  number: 3,
  tNs: 1_000,
  side: 6,
  verdict: 'translated',
  reason: 'translated',
  rfc: 'RFC 7915 section 4, 5',
  text: 'translated',
  before: BEFORE,
  after: [
    {
      side: 4,
      kind: 'translated',
      bytes: AFTER,
      changes: [
        {
          label: 'Source',
          before: { text: '2001:db8:1::7', offset: 8, length: 16 },
          after: { text: '203.0.113.7', offset: 12, length: 4 },
          changed: true,
          because: 'RFC 6146 section 3.5',
        },
        {
          label: 'Destination port',
          before: { text: '443', offset: 42, length: 2 },
          after: { text: '443', offset: 22, length: 2 },
          changed: false,
          because: 'RFC 6146 section 3.5',
        },
      ],
    },
  ],
};

export function translatedHandlers(): Pick<EngineHandlers, TranslatedCall> {
  return {
    'translator.sessions': ({ filter }) => {
      const rows = TRANSLATED_FLOWS.filter((row) => JSON.stringify(row).toLowerCase().includes(filter.toLowerCase()));
      return { tNs: 4e6, total: rows.length, rows: [...rows] };
    },
    'translator.ports': () => ({ ports: [NAT64_PORT] }),
    'translator.bindings': () => ({
      total: 1,
      rows: [
        {
          id: 0,
          port: 'nat64',
          protocol: 'tcp',
          v6: '2001:db8:1::7',
          port6: 49_152,
          v4: '203.0.113.7',
          port4: 49_152,
          fixed: false,
          sessions: 1,
        },
      ],
    }),
    'translator.refusals': () => ({
      rows: [
        { port: 'nat64', id: 'translated', verdict: 'translated', rfc: 'RFC 7915 section 4, 5', text: 'translated', packets: 22 },
        {
          port: 'nat64',
          id: 'noBinding',
          verdict: 'refused',
          rfc: 'RFC 6146 section 3.5',
          text: 'no binding for this IPv4 address and port',
          packets: 2,
        },
      ],
      events: [
        {
          port: 'nat64',
          number: 9,
          tNs: 4e6,
          event: 'udpZeroDropped',
          rfc: 'RFC 7915 section 4.5',
          side: 4,
          source: '198.51.100.10',
          destination: '203.0.113.7',
          protocol: 17,
          sourcePort: 53,
          destinationPort: 9_999,
        },
      ],
      moreEvents: 0,
      limits: [{ port: 'nat64', id: 'fragmentsGivenUp', text: 'held fragments given up', count: 3 }],
    }),
    'translator.pair': ({ number }) => ({ steps: number === 3 ? [TRANSLATION_PAIR] : [] }),
    'translator.map': ({ address }) => ({
      mappings:
        address === '192.0.2.33'
          ? [
              {
                from: address,
                to: '64:ff9b::c000:221',
                rule: 'prefix 64:ff9b::/96',
                field: 'pool6.0',
                rfc: 'RFC 6052 section 2.3',
                used: true,
                parts: [
                  { from: 0, to: 96, kind: 'prefix', name: 'prefix', value: '64:ff9b::/96' },
                  { from: 96, to: 128, kind: 'ipv4', name: 'IPv4 address', value: '192.0.2.33' },
                ],
                note: '',
              },
            ]
          : [],
    }),
    'translator.pools': () => ({
      rows: [{ port: 'nat64', address: '203.0.113.7', ports: 64_512, tcp: 1, udp: 0, icmp: 0 }],
      more: 0,
      blocks: [
        {
          port: 'nat64',
          address: '203.0.113.7',
          firstPort: 49_152,
          lastPort: 49_663,
          subscriber: '2001:db8:1::/64',
          tcp: 1,
          udp: 0,
          icmp: 0,
        },
      ],
      moreBlocks: 0,
    }),
  };
}
