import fc from 'fast-check';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { compileKernel } from '../../../scripts/lib/kernel-compiler.mjs';
import { META_FLOW, ROW_META, ROW_WORDS, classifyRange } from '../../wire/index.ts';
import { LANE_CHUNK_PACKETS, LARGEST_CHUNK_BYTES, LaneMemory, laneRoom } from '../lanes/lane-memory.ts';
import { pcapOf } from '../testing/lanes.ts';
import { KernelChunk } from './chunk.ts';
import { Reserve } from './reserve.ts';
import { LaneKernel } from './world-kernel.ts';

/** The kernel's rows beside those of classifyRange, over frames that are of the kernel's kind, nearly of it, or cut. */
const ETHERNET = 1;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;

let classifyByKernel: (frames: readonly Uint8Array[], lengths: readonly number[]) => { rows: Int32Array; others: number };

beforeAll(async () => {
  const module = new WebAssembly.Module(await compileKernel(fileURLToPath(new URL('assembly/replay.ts', import.meta.url))));
  const bytes = KernelChunk.reserveBytes(LARGEST_CHUNK_BYTES, LANE_CHUNK_PACKETS);
  const room = laneRoom(1, bytes)!;
  const memory = new LaneMemory(room, 1);
  const kernel = new LaneKernel({ module, memory: room });
  const reserve = new Reserve(room.buffer, memory.reserveAt, memory.reserveAt + bytes);
  const format = { little: true, fractionNs: 1, firstSec: 1_700_000_000, firstFrac: 0, linkType: ETHERNET, maxCaptured: 65_536 };
  const chunk = new KernelChunk(kernel, reserve, format, LARGEST_CHUNK_BYTES, LANE_CHUNK_PACKETS, 4);
  let others = 0;
  let classifyOne: (i: number) => void = () => undefined;
  Object.defineProperty(kernel, 'onOther', {
    get: () => (i: number) => {
      others++;
      classifyOne(i);
    },
    set: (own: (i: number) => void) => {
      classifyOne = own;
    },
  });
  classifyByKernel = (frames, lengths) => {
    const records = pcapOf({ frames: [...frames], tsNs: frames.map((_, i) => i), lengths: [...lengths] }).subarray(FILE_HEADER);
    const slot = memory.slots[0]!;
    slot.rows.fill(-1);
    chunk.begin(slot);
    chunk.bytes.set(records);
    expect(chunk.walk(0, records.length, records.length)).toBe(records.length);
    others = 0;
    chunk.finish();
    return { rows: slot.rows.slice(0, frames.length * ROW_WORDS), others };
  };
});

function classifyByWire(frames: readonly Uint8Array[], lengths: readonly number[]): Int32Array {
  const captured = frames.map((frame) => frame.length);
  const bytes = new Uint8Array(captured.reduce((sum, n) => sum + n + RECORD_HEADER, 0));
  const offset = new Uint32Array(frames.length);
  let at = 0;
  frames.forEach((frame, i) => {
    offset[i] = at += RECORD_HEADER;
    bytes.set(frame, at);
    at += frame.length;
  });
  const rows = new Int32Array(frames.length * ROW_WORDS);
  const columns = {
    count: frames.length,
    bytes,
    offset,
    capLen: Uint32Array.from(captured),
    origLen: Uint32Array.from(lengths, (n, i) => Math.max(n, captured[i]!)),
    linkType: new Uint16Array(frames.length).fill(ETHERNET),
  };
  classifyRange(columns, 0, frames.length, rows, 0);
  return rows;
}

/** Addresses that are often alike, so that the direction hangs on later words, and on ports. */
const word = fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x0a000001);
const ports = fc.tuple(fc.constantFrom(0, 53, 443, 0xffff), fc.constantFrom(0, 53, 443, 0xffff));
const tags = fc.array(fc.constantFrom<number>(0x8100, 0x88a8, 0x9100, 0x9200), { maxLength: 3 });
const shape = fc.record({
  version: fc.constantFrom(4, 4, 6, 6, 5),
  protocol: fc.constantFrom(6, 6, 17, 17, 1, 44, 58),
  tags: fc.oneof({ weight: 2, arbitrary: fc.constant<number[]>([]) }, tags),
  addresses: fc.array(word, { minLength: 8, maxLength: 8 }),
  ports,
  headerBytes: fc.constantFrom(20, 20, 20, 24),
  fragment: fc.constantFrom(0, 0, 0, 0x4000, 0x2000, 7),
  trafficClass: fc.nat(255),
  counted: fc.constantFrom(0, 20, 28, 60, 1_480),
  transport: fc.uint8Array({ minLength: 20, maxLength: 40 }),
  cut: fc.constantFrom(0, 0, 0, 1, 21, 60),
  length: fc.constantFrom(0, 64, 9_000),
});

type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

function frameOf(s: Shape): Uint8Array {
  const at = 14 + 4 * s.tags.length;
  const headerBytes = s.version === 6 ? 40 : s.headerBytes;
  const frame = new Uint8Array(at + headerBytes + s.transport.length);
  const view = new DataView(frame.buffer);
  s.tags.forEach((tag, i) => view.setUint16(12 + 4 * i, tag));
  view.setUint16(at - 2, s.version === 6 ? 0x86dd : 0x0800);
  frame.set(s.transport, at + headerBytes);
  view.setUint16(at + headerBytes, s.ports[0]);
  view.setUint16(at + headerBytes + 2, s.ports[1]);
  if (s.version === 6) {
    view.setUint16(at, 0x6000 | (s.trafficClass << 4));
    view.setUint16(at + 4, s.counted);
    frame[at + 6] = s.protocol;
    s.addresses.forEach((address, i) => {
      view.setUint32(at + 8 + 4 * i, address);
    });
  } else {
    frame[at] = (s.version << 4) | (s.headerBytes >> 2);
    frame[at + 1] = s.trafficClass;
    view.setUint16(at + 2, s.counted);
    view.setUint16(at + 6, s.fragment);
    frame[at + 9] = s.protocol;
    view.setUint32(at + 12, s.addresses[0]!);
    view.setUint32(at + 16, s.addresses[1]!);
  }
  return frame.subarray(0, Math.max(0, frame.length - s.cut));
}

test('any frames: the rows of classifyRange', () => {
  fc.assert(
    fc.property(fc.array(shape, { minLength: 1, maxLength: 64 }), (shapes) => {
      const frames = shapes.map(frameOf);
      const lengths = shapes.map((s) => s.length);
      expect(classifyByKernel(frames, lengths).rows).toEqual(classifyByWire(frames, lengths));
    }),
    { numRuns: 300 },
  );
});

test("whole TCP and UDP packets of both versions are the kernel's own, with up to two tags", () => {
  const plain = { addresses: [1, 2, 3, 4, 5, 6, 7, 8], ports: [443, 53], headerBytes: 20, fragment: 0x4000, trafficClass: 184 };
  const rest = { counted: 60, transport: new Uint8Array(20), cut: 0, length: 64 };
  const frames = [4, 6].flatMap((version) =>
    [6, 17].flatMap((protocol) =>
      [[], [0x8100], [0x88a8, 0x8100]].map((list) => frameOf({ ...plain, ...rest, version, protocol, tags: list } as Shape)),
    ),
  );
  const { rows, others } = classifyByKernel(
    frames,
    frames.map((f) => f.length),
  );
  expect(others).toBe(0);
  frames.forEach((_, i) => {
    expect(rows[i * ROW_WORDS + ROW_META]! & META_FLOW).not.toBe(0);
  });
});
