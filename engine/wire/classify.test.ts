import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Random } from '../base/index.ts';
import { capture, capturesMissing, haveCaptures } from '../testing/captures.ts';
import { readRawCapture, type RawPacket } from '../testing/raw-captures.ts';
import {
  ClassifiedBatch,
  FlowTable,
  META_FIRST_FRAGMENT,
  META_FLOW,
  META_FRAGMENT,
  META_FROM_B,
  META_HAS_PORTS,
  META_TCP,
  META_TCP_FLAGS_SHIFT,
  ROW_HASH,
  ROW_META,
  ROW_OFFSETS,
  ROW_PAYLOAD,
  ROW_PROTOCOL,
  ROW_SEQ,
  ROW_WORDS,
  classifyBatch,
  dissectPacket,
  hashRow,
  queueOfHash,
  rowEnds,
  trafficClassOf,
} from './index.ts';
import type { FieldNode } from '../contract/index.ts';

function columns(packets: readonly RawPacket[]): Parameters<typeof classifyBatch>[0] {
  const bytes = new Uint8Array(packets.reduce((sum, p) => sum + p.bytes.length, 0));
  const offset = new Uint32Array(packets.length);
  let at = 0;
  packets.forEach((p, i) => {
    offset[i] = at;
    bytes.set(p.bytes, at);
    at += p.bytes.length;
  });
  return {
    count: packets.length,
    bytes,
    offset,
    capLen: Uint32Array.from(packets, (p) => p.bytes.length),
    origLen: Uint32Array.from(packets, (p) => p.origLenBytes),
    linkType: Uint16Array.from(packets, (p) => p.linkType),
  };
}

function classified(packets: readonly RawPacket[]): Int32Array {
  const out = new ClassifiedBatch(Math.max(1, packets.length));
  classifyBatch(columns(packets), out);
  expect(out.count).toBe(packets.length);
  return out.rows;
}

/** Fields of the outermost IP layer and of the transport layer right behind it, as the dissectors show them. */
function shown(packet: RawPacket): Record<string, string> | undefined {
  const { layers } = dissectPacket(packet.bytes, packet.linkType, packet.bytes.length, packet.origLenBytes, {
    number: 1,
    tNs: 0,
    epochNs: 0n,
    interfaceId: 0,
  } as never);
  const top = layers.findIndex((l) => l.name === 'ip' || l.name === 'ipv6');
  if (top < 0) return undefined;
  const out: Record<string, string> = { version: layers[top]!.name === 'ip' ? '4' : '6' };
  const take = (node: FieldNode, prefix: string): void => {
    if (node.name.startsWith(prefix) && node.raw !== undefined && out[node.name] === undefined) out[node.name] = String(node.raw);
    for (const child of node.children ?? []) take(child, prefix);
  };
  take(layers[top]!, 'ip');
  for (let i = top + 1; i < layers.length; i++) {
    const name = layers[i]!.name;
    if (['tcp', 'udp', 'sctp', 'udplite', 'dccp'].includes(name)) {
      take(layers[i]!, '');
      break;
    }
    if (!name.startsWith('ipv6.')) break;
  }
  return out;
}

/** A raw or Ethernet IPv4 packet with a source route among its options (RFC 791 section 3.1). */
function sourceRouted(packet: RawPacket): boolean {
  const at = packet.linkType === 1 ? 14 : 0;
  const head = packet.bytes[at] ?? 0;
  if (head <= 0x45 || head > 0x4f) return false;
  const options = packet.bytes.subarray(at + 20, at + (head & 15) * 4);
  return options.includes(131) || options.includes(137);
}

describe('traffic class', () => {
  const meta = (frame: Uint8Array): number => classified([{ bytes: frame, origLenBytes: frame.length, linkType: 1 }])[ROW_META]!;
  test.each([4, 6] as const)('IPv%i: whole packets, options and fragments carry it in meta', (version) => {
    for (const [trafficClass, fragmented] of [
      [0xff, false],
      [0xb8, true],
      [0x03, false],
      [0, true],
    ] as const) {
      const frame = new Uint8Array(120);
      const view = new DataView(frame.buffer);
      view.setUint16(12, version === 4 ? 0x0800 : 0x86dd);
      if (version === 4) {
        view.setUint16(14, 0x4600 | trafficClass);
        view.setUint16(16, 100);
        view.setUint16(20, fragmented ? 0x2000 : 0);
        frame[23] = 17;
      } else {
        view.setUint32(14, (0x6000_0000 | (trafficClass << 20)) >>> 0);
        view.setUint16(18, 60);
        frame[20] = fragmented ? 44 : 17;
        frame[54] = 17;
        if (fragmented) view.setUint16(56, 1);
      }
      expect(trafficClassOf(meta(frame))).toBe(trafficClass);
      if (version === 4) view.setUint8(14, 0x45);
      expect(trafficClassOf(meta(frame))).toBe(trafficClass);
      expect((meta(frame) & META_FRAGMENT) !== 0).toBe(fragmented);
    }
  });
});

/** A sample of the captures: every seventh of reasonable size. */
function sample(): string[] {
  const rows = readFileSync(capture('ORACLE.tsv'), 'utf8').trimEnd().split('\n').slice(1);
  return rows
    .map((line) => line.split('\t'))
    .filter(([, , , packets, , error]) => Number(packets) > 0 && Number(packets) < 5_000 && error === '')
    .map(([file]) => capture(file!))
    .filter((path, i) => i % 7 === 0 && existsSync(path));
}

const titled = (title: string): string => (haveCaptures ? title : `${title} (${capturesMissing})`);

describe('classifier beside the dissectors', () => {
  test.skipIf(!haveCaptures)(titled('the same addresses, ports and protocols on some 300 captures'), { timeout: 300_000 }, () => {
    let compared = 0;
    let files = 0;
    const different: string[] = [];
    for (const path of sample()) {
      const packets = readRawCapture(path, 100);
      if (packets.length === 0) continue;
      files++;
      const rows = classified(packets);
      packets.forEach((packet, i) => {
        const base = i * ROW_WORDS;
        const flow = (rows[base + ROW_META]! & META_FLOW) !== 0;
        const want = shown(packet);
        const src = want?.['ip.src'] ?? want?.['ipv6.src'];
        // With a source route option Wireshark shows the final destination, which is not where the packet goes now.
        if (!flow || src === undefined || sourceRouted(packet)) return;
        const ends = rowEnds(rows, base);
        compared++;
        const ours = [String(ends.ipVersion), ends.source, ends.destination];
        const theirs = [want!['version'], src, want!['ip.dst'] ?? want!['ipv6.dst']];
        const port = ['tcp', 'udp', 'sctp', 'udplite', 'dccp'].find((p) => want![`${p}.srcport`] !== undefined);
        if (port !== undefined && (rows[base + ROW_META]! & META_HAS_PORTS) !== 0) {
          ours.push(String(ends.sourcePort), String(ends.destinationPort));
          theirs.push(want![`${port}.srcport`], want![`${port}.dstport`]);
        }
        if (want!['tcp.flags'] !== undefined && want!['tcp.seq_raw'] !== undefined && (rows[base + ROW_META]! & META_TCP) !== 0) {
          ours.push(String(rows[base + ROW_SEQ]! >>> 0), String((rows[base + ROW_META]! >>> META_TCP_FLAGS_SHIFT) & 0xff));
          theirs.push(want!['tcp.seq_raw'], String(Number(want!['tcp.flags']) & 0xff));
        }
        if (ours.join(' ') !== theirs.join(' ')) different.push(`${path} ${String(i + 1)}: ${ours.join(' ')} / ${theirs.join(' ')}`);
      });
    }
    expect(different.slice(0, 20)).toEqual([]);
    expect(files).toBeGreaterThan(250);
    expect(compared).toBeGreaterThan(3_000);
  });

  test.skipIf(!haveCaptures)(titled('what the dissectors show with ports is a flow'), () => {
    const missed: string[] = [];
    let total = 0;
    for (const path of sample()) {
      const packets = readRawCapture(path, 20).filter((p) => [1, 101, 113, 276, 0].includes(p.linkType));
      const rows = packets.length === 0 ? new Int32Array(0) : classified(packets);
      packets.forEach((packet, i) => {
        const want = shown(packet);
        if (want?.['tcp.srcport'] === undefined && want?.['udp.srcport'] === undefined) return;
        total++;
        if ((rows[i * ROW_WORDS + ROW_META]! & (META_FLOW | META_FRAGMENT)) === 0) missed.push(`${path} ${String(i + 1)}`);
      });
    }
    expect(total).toBeGreaterThan(1_000);
    expect(missed).toEqual([]);
  });
});

const ip4 = [0x45, 0, 0, 44, 0, 7, 0, 0, 64, 6, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1];
const tcp = [0x04, 0xd2, 0x00, 0x50, 0, 0, 0, 9, 0, 0, 0, 3, 0x50, 0x12, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
const eth = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
const packet = (linkType: number, ...parts: (readonly number[])[]): RawPacket => {
  const bytes = Uint8Array.from(parts.flat());
  return { linkType, origLenBytes: bytes.length, bytes };
};

describe('classifier', () => {
  test('finds the same flow behind every link header', () => {
    const rows = classified([
      packet(1, eth, [8, 0], ip4, tcp),
      packet(1, eth, [0x81, 0, 0, 5, 8, 0], ip4, tcp),
      packet(1, eth, [0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0], ip4, tcp),
      packet(1, eth, [0x88, 0x47, 0, 0x10, 0, 64, 0, 0x20, 1, 64], ip4, tcp),
      packet(1, eth, [0x88, 0x64, 0x11, 0, 0, 1, 0, 46, 0, 0x21], ip4, tcp),
      packet(1, eth, [0, 50, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0], ip4, tcp),
      packet(113, [0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0], ip4, tcp),
      packet(276, [8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0], ip4, tcp),
      packet(0, [2, 0, 0, 0], ip4, tcp),
      packet(0, [0, 0, 0, 2], ip4, tcp),
      packet(101, ip4, tcp),
      packet(9, [0xff, 3, 0, 0x21], ip4, tcp),
      packet(9, [0x21], ip4, tcp),
      packet(219, [0, 0x20, 1, 64], ip4, tcp),
      packet(104, [0x0f, 0, 8, 0], ip4, tcp),
    ]);
    const table = new FlowTable({ limit: 8 });
    for (let i = 0; i < 15; i++) {
      expect(table.intern(rows, i * ROW_WORDS)).toBe(0);
      expect(rowEnds(rows, i * ROW_WORDS)).toEqual({
        ipVersion: 4,
        protocol: 6,
        source: '10.0.0.2',
        sourcePort: 1234,
        destination: '10.0.0.1',
        destinationPort: 80,
      });
      expect(rows[i * ROW_WORDS + ROW_PAYLOAD]).toBe(4);
      const offsets = rows[i * ROW_WORDS + ROW_OFFSETS]!;
      expect((offsets & 0xffff) - (offsets >>> 16)).toBe(20);
    }
  });

  test('both directions have one key and one hash, and the direction bit tells them apart', () => {
    const back = [...ip4.slice(0, 12), 10, 0, 0, 1, 10, 0, 0, 2];
    const rows = classified([packet(101, ip4, tcp), packet(101, back, [0, 0x50, 0x04, 0xd2, ...tcp.slice(4)])]);
    expect(rows.slice(0, 11)).toEqual(rows.slice(ROW_WORDS, ROW_WORDS + 11));
    expect((rows[ROW_META]! ^ rows[ROW_WORDS + ROW_META]!) & META_FROM_B).toBe(META_FROM_B);
    expect(hashRow(rows)).toBe(rows[ROW_HASH]);
  });

  test('all fragments of a datagram have one key, and the first shows its ports', () => {
    const first = [...ip4.slice(0, 6), 0x20, 0, ...ip4.slice(8)];
    const later = [...ip4.slice(0, 6), 0, 3, ...ip4.slice(8)];
    const rows = classified([packet(101, first, tcp), packet(101, later, tcp)]);
    expect(rows.slice(0, 11)).toEqual(rows.slice(ROW_WORDS, ROW_WORDS + 11));
    expect(rows[ROW_META]! & (META_FRAGMENT | META_FIRST_FRAGMENT | META_HAS_PORTS)).toBe(
      META_FRAGMENT | META_FIRST_FRAGMENT | META_HAS_PORTS,
    );
    expect(rowEnds(rows, 0)).toMatchObject({ sourcePort: 1234, destinationPort: 80 });
    expect(rows[ROW_WORDS + ROW_META]! & (META_FIRST_FRAGMENT | META_HAS_PORTS)).toBe(0);
    expect(rows[ROW_SEQ]).toBe(7);
  });

  test('IPv6 extension headers are walked, an atomic fragment is a whole packet', () => {
    const ip6 = (next: number, length: number): number[] => [
      0x60,
      0,
      0,
      0,
      0,
      length,
      next,
      64,
      0x20,
      1,
      0xd,
      0xb8,
      ...new Array<number>(11).fill(0),
      1,
      0x20,
      1,
      0xd,
      0xb8,
      ...new Array<number>(11).fill(0),
      2,
    ];
    const udp = [0, 53, 0x10, 0, 0, 12, 0, 0, 1, 2, 3, 4];
    const options = [60, 0, 1, 4, 0, 0, 0, 0];
    const destination = [44, 0, 1, 4, 0, 0, 0, 0];
    const atomic = [17, 0, 0, 0, 0, 0, 0, 9];
    const rows = classified([packet(101, ip6(17, 12), udp), packet(101, ip6(0, 36), options, destination, atomic, udp)]);
    expect(rows.slice(0, 11)).toEqual(rows.slice(ROW_WORDS, ROW_WORDS + 11));
    expect(rowEnds(rows, 0)).toMatchObject({ ipVersion: 6, protocol: 17, source: '2001:db8::1', sourcePort: 53, destinationPort: 4_096 });
    expect([rows[ROW_PAYLOAD], rows[ROW_WORDS + ROW_PAYLOAD]]).toEqual([4, 4]);
  });

  test('any bytes are taken without an exception, and a cut packet never has more than it holds', () => {
    const random = new Random(9);
    const packets: RawPacket[] = [];
    const base = packet(1, eth, [8, 0], ip4, tcp).bytes;
    for (let i = 0; i < 40_000; i++) {
      const bytes =
        random.float() < 0.3
          ? Uint8Array.from({ length: random.int(0, 90) }, () => random.u32() & 0xff)
          : base.slice(0, random.int(0, base.length));
      for (let n = random.int(0, 3); n > 0 && bytes.length > 0; n--) bytes[random.int(0, bytes.length - 1)] = random.u32() & 0xff;
      packets.push({
        linkType: [0, 1, 9, 12, 51, 101, 104, 108, 113, 204, 219, 276, 147][random.int(0, 12)]!,
        origLenBytes: random.u32() >>> random.int(0, 31),
        bytes,
      });
    }
    const rows = classified(packets);
    packets.forEach((p, i) => {
      const at = i * ROW_WORDS;
      const meta = rows[at + ROW_META]!;
      const l4 = rows[at + ROW_OFFSETS]! & 0xffff;
      if ((meta & META_HAS_PORTS) !== 0 && l4 + 4 > p.bytes.length) expect.unreachable('ports come from captured bytes');
      if ((meta & META_TCP) !== 0 && l4 + 20 > p.bytes.length) expect.unreachable('a TCP header comes from captured bytes');
      if ((meta & META_FLOW) !== 0 && hashRow(rows, at) !== rows[at + ROW_HASH]) expect.unreachable('the hash is that of the key');
      if (rows[at + ROW_PAYLOAD]! < 0) expect.unreachable('no negative payload');
    });
  });

  test('the hash spreads flows over queues and low bits evenly', () => {
    const row = new Int32Array(ROW_WORDS);
    const queues = new Uint32Array(4);
    const low = new Uint32Array(64);
    for (let i = 0; i < 64_000; i++) {
      row[ROW_PROTOCOL] = 0x406;
      row[0] = ((1_024 + (i % 60_000)) << 16) | 443;
      row[2] = 0x0a000000 + i;
      row[6] = 0xc0000201 | 0;
      queues[queueOfHash(hashRow(row), 4)]!++;
      low[hashRow(row) & 63]!++;
    }
    for (const n of queues) expect(Math.abs(n - 16_000)).toBeLessThan(800);
    for (const n of low) expect(Math.abs(n - 1_000)).toBeLessThan(200);
  });
});

describe('flow table', () => {
  test('numbers in first-seen order, through growth, with both versions, and refuses beyond its limit', () => {
    const random = new Random(4);
    const table = new FlowTable({ entryWords: 16, coldWords: 8, limit: 20_000 });
    const known = new Map<string, number>();
    const rows = new Int32Array(32 * ROW_WORDS);
    const out = new Int32Array(32);
    for (let step = 0; step < 3_000; step++) {
      const keys: string[] = [];
      for (let i = 0; i < 32; i++) {
        const at = i * ROW_WORDS;
        const flow = random.int(0, 24_000);
        const v6 = flow % 3 === 0;
        rows.fill(0, at, at + ROW_WORDS);
        rows[at] = flow;
        rows[at + 1] = v6 ? 0x606 : 0x406;
        rows[at + 2] = v6 ? 7 : Math.imul(flow, 77);
        if (v6) for (const w of [3, 4, 5, 7, 8, 9]) rows[at + w] = Math.imul(flow, w);
        rows[at + ROW_HASH] = hashRow(rows, at);
        rows[at + ROW_META] = META_FLOW;
        keys.push(String(flow));
      }
      table.internBatch(rows, null, 0, 32, out);
      keys.forEach((key, i) => {
        const want = known.get(key) ?? (known.size < 20_000 ? known.size : -1);
        if (out[i] !== want) expect(out[i]).toBe(want);
        if (want >= 0) known.set(key, want);
      });
    }
    expect(table.count).toBe(20_000);
    expect(table.full).toBeGreaterThan(0);
    const copy = new FlowTable({ entryWords: 16, coldWords: 8, limit: 20_000 });
    const row = new Int32Array(ROW_WORDS);
    copy.load(table.columns());
    for (let id = 0; id < 20_000; id += 97) {
      table.copyKey(id, row);
      row[ROW_HASH] = hashRow(row);
      expect(copy.find(row, 0)).toBe(id);
      expect(table.find(row, 0)).toBe(id);
    }
  });
});
