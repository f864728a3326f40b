import type { Traffic } from './traffic.ts';

export interface BurstTraffic {
  readonly bursts: number;
  readonly burstBytes: number;
  readonly periodNs: number;
  readonly lineBps: number;
  readonly packetBytes?: number;
  /** UDP flows that share each burst, in turn; destination ports 9000, 9001, ... */
  readonly flows?: number;
  /** First destination port. */
  readonly port?: number;
  readonly startNs?: number;
}

/** Bursts of UDP packets at line rate, headers only: what a modem hands over at once. */
export function burstTraffic(o: BurstTraffic): Traffic {
  const bytes = o.packetBytes ?? 1_500;
  const flows = o.flows ?? 1;
  const out = { frames: [] as Uint8Array[], tsNs: [] as number[], lengths: [] as number[] };
  const gap = Math.round((bytes * 8e9) / o.lineBps);
  const perBurst = Math.round(o.burstBytes / bytes);
  for (let b = 0; b < o.bursts; b++) {
    for (let i = 0; i < perBurst; i++) {
      out.frames.push(udpFrame((o.port ?? 9_000) + (i % flows)));
      out.tsNs.push((o.startNs ?? 0) + b * o.periodNs + i * gap);
      out.lengths.push(bytes);
    }
  }
  return out;
}

function udpFrame(port: number): Uint8Array {
  const b = new Uint8Array(42);
  const view = new DataView(b.buffer);
  view.setUint16(12, 0x0800);
  b[14] = 0x45;
  view.setUint16(16, 28);
  b[22] = 64;
  b[23] = 17;
  view.setUint32(26, 0xc6336401);
  view.setUint32(30, 0xc0000201);
  view.setUint16(34, 40_000);
  view.setUint16(36, port);
  view.setUint16(38, 8);
  return b;
}

/** Several traffics as one, in order of time. */
export function together(...parts: readonly Traffic[]): Traffic {
  const all = parts.flatMap((t) => t.frames.map((frame, i) => ({ frame, t: t.tsNs[i]!, length: t.lengths[i]! })));
  all.sort((a, b) => a.t - b.t);
  return { frames: all.map((p) => p.frame), tsNs: all.map((p) => p.t), lengths: all.map((p) => p.length) };
}
