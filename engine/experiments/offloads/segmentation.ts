import { scenarioSchema } from '../../contract/index.ts';
import { OffloadMemory, Segmenter, newShape, readShape } from '../../stack/index.ts';
import { emitEthernet, emitIpv4, emitTcp } from '../../wire/index.ts';
import { downloads, fastestNs, runOffload } from './inputs.ts';
import type { Experiment } from '../types.ts';

const SIZES_KIB = [2, 4, 8, 16, 32];
const MTU = 1_500;
const HEADERS = 54;

/** A TCP packet over IPv4 with this many bytes of payload, checksum left to the switch. */
function largePacket(payloadBytes: number): Uint8Array {
  const b = new Uint8Array(HEADERS + payloadBytes).fill(0x3c);
  emitEthernet(b, 0, { source: new Uint8Array(6), destination: new Uint8Array(6), type: 0x0800 });
  const ends = { source: Uint8Array.of(192, 0, 2, 1), destination: Uint8Array.of(198, 51, 100, 9) };
  emitIpv4(b, 14, { ...ends, protocol: 6, payloadLength: 20 + payloadBytes });
  emitTcp(b, 34, { sourcePort: 443, destinationPort: 50_000, sequence: 1, acknowledgment: 1, flags: 16, window: 4_096 });
  return b;
}

/** ns per payload byte: the switch cuts one large packet, or the stack hands over packets that it has cut and summed. */
function costs(kib: number, rounds: number): { readonly inSwitch: number; readonly inStack: number } {
  const memory = new OffloadMemory({ defaultBuffers: 512, largeBuffers: 16 });
  const segmenter = new Segmenter(memory);
  const bytes = largePacket(kib * 1_024);
  const source = memory.load(bytes, 0, bytes.length);
  const s = newShape();
  readShape(s, memory.bytes, memory.address(source), memory.dataLen[source]!, bytes.length, bytes.length, 14);
  const cut = (sums: boolean): void => {
    segmenter.segment(source, s, MTU - 40, sums);
  };
  const release = (): void => {
    for (let i = 0; i < segmenter.count; i++) memory.give(segmenter.heads[i]!);
  };
  const repeat = Math.ceil(1_024 / kib);
  const [inSwitch, inStack] = fastestNs(rounds, [
    () => {
      for (let i = 0; i < repeat; i++) {
        cut(true);
        release();
      }
    },
    () => {
      for (let i = 0; i < repeat; i++) {
        // The stack cuts and sums each packet in its own pool; the switch copies each to the driver's.
        cut(true);
        const own = Array.from(segmenter.heads.subarray(0, segmenter.count));
        for (const first of own) {
          const copy = memory.take(false);
          memory.append(copy, first, 0, memory.chainBytes(first), false, false);
          memory.give(copy);
        }
        release();
      }
    },
  ]);
  const total = repeat * kib * 1_024;
  return { inSwitch: inSwitch! / total, inStack: inStack! / total };
}

export const offloadSegmentation: Experiment = {
  id: 'offload-segmentation',
  title: 'Segmentation in the switch, or in the stack',
  question: 'What does a stack save that hands over large packets and lets the switch cut them?',
  source: 'stack 2.4, experiment 2',
  method:
    'Packets that this machine sends in lumps are joined as its stack would have handed them over, up to each size, and cut by the switch at an MTU of 1500 bytes. Hand-overs are counted; on the wire are the same packets each time. The cost is that of cutting, copying and summing one packet of that size: by the switch in its one copy, or by the stack before the copy of each packet to the driver. The scenario offload-segmentation is the row of 16 KiB.',
  measured: true,
  async run({ size, seed, step }) {
    const full = size === 'full';
    const rows: number[][] = [];
    for (const [i, kib] of SIZES_KIB.entries()) {
      await step(i, SIZES_KIB.length, `${String(kib)} KiB`);
      const device = { queues: 1, local: ['198.19.0.0/16', '2001:db8:19::/64'], offloads: { gsoKiB: kib } };
      const scenario = scenarioSchema.parse({ name: 'segmentation', device });
      const { tx } = runOffload(downloads(seed, full ? 2 : 0.02), scenario);
      const { inSwitch, inStack } = costs(kib, full ? 100 : 3);
      const perGbit = (nsPerByte: number): number => (nsPerByte * 1e9) / 8 / 1e6;
      rows.push([
        kib,
        tx.wakeups,
        tx.wakeupsCut,
        tx.wakeups / tx.wakeupsCut,
        tx.packetsOut,
        perGbit(inSwitch),
        perGbit(inStack),
        inStack / inSwitch,
      ]);
    }
    const last = rows.find((row) => row[0] === 16)!;
    return {
      tables: [
        {
          title: 'By size of the packet that is handed over',
          columns: [
            { name: 'up to', unit: 'KiB' },
            { name: 'hand-overs, stack cuts' },
            { name: 'hand-overs, switch cuts' },
            { name: 'packets a hand-over' },
            { name: 'packets on the wire' },
            { name: 'CPU, switch cuts', unit: 'ms/Gbit' },
            { name: 'CPU, stack cuts', unit: 'ms/Gbit' },
            { name: 'stack over switch', unit: 'x' },
          ],
          rows,
        },
      ],
      findings: [
        `With packets of up to 16 KiB the switch is called ${last[3]!.toFixed(1)} times less often, and the same packets reach the wire.`,
        `Cutting in the stack takes ${last[7]!.toFixed(2)} times the CPU, because what it has cut is copied once more.`,
      ],
    };
  },
};
