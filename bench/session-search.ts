import { putU16, putU32 } from '../engine/base/index.ts';
import { RecordBatch } from '../engine/files/index.ts';
import { BindingSearch, FlowSearch, Pipeline, parseScenario, wholeSearch, type TableSearch } from '../engine/lab/index.ts';
import { checksum, ClassifiedBatch, classifyBatch, pseudoSum6 } from '../engine/wire/index.ts';
import { spread } from './measure.ts';

/** Order and filter of the Translated flows panel over a million UDP sessions, each with a binding of its own: processor time, without the slices. */

const SESSIONS = 1_000_000;
/** Sessions of one host inside, and peers outside. */
const SESSIONS_OF_HOST = 10;
const PEERS = 65_521;
const PACKET_BYTES = 52;
const NS_PER_PACKET = 10_000;
const LINKTYPE_RAW_IP = 101;

const SCENARIO = `name: sessions
device: { queues: 1 }
ports:
  - id: nat64
    kind: translator
    select: [{ source: '2001:db8::/32', destination: '64:ff9b::/96' }]
    translator:
      mode: nat64
      nat64: { pool4: [{ prefix: 198.18.0.0/16 }], maxSessions: ${String(SESSIONS)}, maxBindings: ${String(SESSIONS)} }
`;

export interface SearchRow {
  readonly id: string;
  readonly title: string;
  readonly atLeast: number;
  readonly aim: number;
  readonly unit: 'ms';
  /** Processor time of one search: the median of the rounds. */
  readonly value: number;
}

/** First packet of session `s`, a query to a server outside. */
function writePacket(b: Uint8Array, o: number, s: number): void {
  putU32(b, o, 0x60000000);
  putU16(b, o + 4, PACKET_BYTES - 40);
  b[o + 6] = 17;
  b[o + 7] = 64;
  putU32(b, o + 8, 0x20010db8);
  putU32(b, o + 12, Math.floor(s / SESSIONS_OF_HOST));
  putU32(b, o + 20, 1);
  putU32(b, o + 24, 0x0064ff9b);
  putU32(b, o + 36, 0x33000000 + (s % PEERS));
  putU16(b, o + 40, 20_000 + (s % SESSIONS_OF_HOST));
  putU16(b, o + 42, 53);
  putU16(b, o + 44, PACKET_BYTES - 40);
  putU32(b, o + 48, s);
  putU16(b, o + 46, 0);
  putU16(b, o + 46, checksum(b, o + 40, o + PACKET_BYTES, pseudoSum6(b, o + 8, o + 24, 17, PACKET_BYTES - 40)));
}

/** A pipeline whose NAT64 has all the sessions. */
function sessions(): Pipeline {
  const scenario = parseScenario(SCENARIO);
  if (!scenario.ok) throw new Error('the scenario of the bench is wrong');
  const pipeline = new Pipeline(scenario.value, { expectedFlows: 2 * SESSIONS });
  const batch = new RecordBatch();
  const classified = new ClassifiedBatch(batch.capacity);
  batch.bytes = new Uint8Array(batch.capacity * PACKET_BYTES);
  for (let first = 0; first < SESSIONS; first += batch.count) {
    batch.count = Math.min(batch.capacity, SESSIONS - first);
    for (let i = 0; i < batch.count; i++) {
      writePacket(batch.bytes, i * PACKET_BYTES, first + i);
      batch.offset[i] = i * PACKET_BYTES;
      batch.capLen[i] = PACKET_BYTES;
      batch.origLen[i] = PACKET_BYTES;
      batch.tsNs[i] = (first + i) * NS_PER_PACKET;
      batch.linkType[i] = LINKTYPE_RAW_IP;
    }
    classifyBatch(batch, classified);
    pipeline.feed(batch, classified, 0, batch.count, first + 1);
  }
  pipeline.finish();
  return pipeline;
}

type Case = readonly [id: string, title: string, found: number, make: (pipeline: Pipeline) => TableSearch<unknown>];

/** With what each finds, so that a search that looks at nothing cannot look fast. */
const CASES: readonly Case[] = [
  ['order', 'in the order of bytes', SESSIONS, (p) => new FlowSearch(p, 'bytes', true, '')],
  ['text', 'text in sessions', SESSIONS_OF_HOST, (p) => new FlowSearch(p, 'id', false, '[2001:db8:0:1fff::1]:')],
  ['bindings', 'text in bindings', SESSIONS_OF_HOST, (p) => new BindingSearch(p, '[2001:db8:0:1fff::1]:')],
];

export function searchRows(rounds: number): SearchRow[] {
  const pipeline = sessions();
  return CASES.map(([name, what, found, make]) => {
    const times = Array.from({ length: rounds }, () => {
      const before = process.cpuUsage();
      const search = wholeSearch(make(pipeline));
      const { user, system } = process.cpuUsage(before);
      if (search.order.length !== found) throw new Error(`${what}: ${search.order.length} rows were found, not ${found}`);
      return (user + system) / 1e3;
    });
    const title = `${SESSIONS.toLocaleString('en')} sessions, ${what}: processor time`;
    return { id: `session-search-${name}`, title, atLeast: 6_000, aim: 1_000, unit: 'ms', value: spread(times).median };
  });
}
