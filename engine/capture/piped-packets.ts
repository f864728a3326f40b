import { FILE_HEADER_BYTES, RECORD_HEADER_BYTES } from './pcap-stream.ts';

/** Whole packets: a packet that is cut cannot be sent on. */
export const PIPE_SNAP_BYTES = 65_535;
/** Records that lie ready; one is never longer than PIPE_SNAP_BYTES and its header. */
const BUFFER_BYTES = 512 * 1024;
/** Packets handed over at a time. */
const MAX_PACKETS = 1_024;
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/**
 * Packets of a pcap stream that comes in pieces of any size: nanoseconds, in the byte order of the machine, as tcpdump writes it here. The first `count`
 * entries of the arrays hold while they are handed over.
 */
export class PipedPackets {
  readonly bytes = new Uint8Array(BUFFER_BYTES);
  readonly offset = new Uint32Array(MAX_PACKETS);
  readonly capLen = new Uint32Array(MAX_PACKETS);
  readonly origLen = new Uint32Array(MAX_PACKETS);
  /** ns since `originS`. */
  readonly tNs = new Float64Array(MAX_PACKETS);
  count = 0;
  /** The file header has come. */
  begun = false;
  /** A record that tcpdump never writes was seen: nothing is read any more. */
  damaged = false;
  private readonly view = new DataView(this.bytes.buffer);
  private readonly originS: number;
  private readonly onPackets: (packets: PipedPackets) => void;
  private filled = 0;

  /** `originS` is the second since 1970 that counts as 0. */
  constructor(originS: number, onPackets: (packets: PipedPackets) => void) {
    this.originS = originS;
    this.onPackets = onPackets;
  }

  /** Takes the next piece of the stream and hands over the packets that are whole. */
  take(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length && !this.damaged;) {
      const take = Math.min(chunk.length - from, this.bytes.length - this.filled);
      this.bytes.set(take === chunk.length ? chunk : chunk.subarray(from, from + take), this.filled);
      this.filled += take;
      from += take;
      this.handOver();
    }
  }

  /** Hands over the whole records and moves the rest to the front. */
  private handOver(): void {
    let at = 0;
    if (!this.begun) {
      if (this.filled < FILE_HEADER_BYTES) return;
      this.begun = true;
      at = FILE_HEADER_BYTES;
    }
    for (let next = this.record(at); next > at; next = this.record(at)) {
      at = next;
      if (this.count === MAX_PACKETS) this.deliver();
    }
    this.deliver();
    if (at > 0) this.bytes.copyWithin(0, at, this.filled);
    this.filled -= at;
  }

  /** Notes the record at `at` and returns its end; `at` where it is not there whole. */
  private record(at: number): number {
    if (this.filled - at < RECORD_HEADER_BYTES) return at;
    const { view } = this;
    const capLen = view.getUint32(at + 8, LITTLE_ENDIAN);
    this.damaged = capLen > PIPE_SNAP_BYTES;
    const end = at + RECORD_HEADER_BYTES + capLen;
    if (this.damaged || end > this.filled) return at;
    const i = this.count++;
    this.offset[i] = at + RECORD_HEADER_BYTES;
    this.capLen[i] = capLen;
    this.origLen[i] = view.getUint32(at + 12, LITTLE_ENDIAN);
    this.tNs[i] = (view.getUint32(at, LITTLE_ENDIAN) - this.originS) * 1e9 + view.getUint32(at + 4, LITTLE_ENDIAN);
    return end;
  }

  private deliver(): void {
    if (this.count > 0) this.onPackets(this);
    this.count = 0;
  }
}
