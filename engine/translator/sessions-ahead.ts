import type { SessionTable } from './sessions.ts';

/** Packets whose sessions are read ahead at a time. */
export const LOOK_AHEAD = 32;
/** Sessions below which the tables stay in the nearer caches, and reading ahead only costs. */
export const LOOK_AHEAD_FROM = 8_192;
/** An IPv6 header with ports. */
const LEAST_BYTES = 44;

/** Sessions that the next packets of one family will most likely want, in turn; a wrong one costs a lookup. */
class Guesses {
  /** First hashes, then entries. */
  readonly entries = new Int32Array(LOOK_AHEAD);
  count = 0;
  private readonly offsets = new Uint32Array(LOOK_AHEAD);
  private next = 0;

  clear(): void {
    this.count = 0;
    this.next = 0;
  }

  add(o: number, hash: number): void {
    this.offsets[this.count] = o;
    this.entries[this.count++] = hash;
  }

  /** The entry for the packet at `o`, -1 for none. Packets that were looked at and took another way are passed over. */
  take(o: number): number {
    while (this.next < this.count) {
      const at = this.next++;
      if (this.offsets[at] === o) return this.entries[at]!;
    }
    return -1;
  }
}

/**
 * Looks up the sessions of packets before their turn, all of them in three steps: hashes from the packets, entries from the slots, then the entries themselves.
 * Within a step nothing waits for anything else, so the cache misses of 32 packets overlap where one packet's lookup
 * would wait for each of its own.
 */
export class SessionsAhead {
  readonly six = new Guesses();
  readonly four = new Guesses();
  /** What reading ahead has read: kept so that the reads are not optimised away. */
  read = 0;
  private readonly sessions: SessionTable;

  constructor(sessions: SessionTable) {
    this.sessions = sessions;
  }

  /** Packets whose IP headers begin at offsets[from..to), as if they were plain. A family that is not among them keeps what it has. */
  look(d: DataView, offsets: Uint32Array, from: number, to: number): void {
    const { sessions, six, four } = this;
    if (sessions.count < LOOK_AHEAD_FROM) return;
    const last = d.byteLength - LEAST_BYTES;
    const end = Math.min(to, from + LOOK_AHEAD);
    let sixes = 0;
    let fours = 0;
    for (let i = from; i < end; i++) {
      const o = offsets[i]!;
      if (o > last) continue;
      if (d.getUint8(o) >>> 4 === 6) {
        if (sixes++ === 0) six.clear();
        six.add(o, hash6(sessions, d, o));
      } else {
        if (fours++ === 0) four.clear();
        four.add(o, hash4(sessions, d, o));
      }
    }
    sessions.likely6(six.entries, sixes);
    sessions.likely4(four.entries, fours);
    this.read ^= sessions.readAhead(six.entries, sixes) ^ sessions.readAhead(four.entries, fours);
  }
}

function hash6(sessions: SessionTable, d: DataView, o: number): number {
  return sessions.hashFor6(
    d.getUint8(o + 6),
    d.getInt32(o + 8),
    d.getInt32(o + 12),
    d.getInt32(o + 16),
    d.getInt32(o + 20),
    d.getInt32(o + 40),
    d.getInt32(o + 36),
  );
}

function hash4(sessions: SessionTable, d: DataView, o: number): number {
  return sessions.hashFor4(d.getUint8(o + 9), d.getInt32(o + 16), d.getUint16(o + 22), d.getInt32(o + 12), d.getUint16(o + 20));
}
