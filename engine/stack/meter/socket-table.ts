import { NS_PER_US } from '../../base/index.ts';
import type { SocketsSpec } from '../../contract/index.ts';
import type { Cells } from './cells.ts';
import { ReadHeap } from './read-heap.ts';
import {
  SF_BYTES,
  SF_FINISH,
  SF_LAST,
  SF_PACKETS,
  SF_READ_BYTES,
  SF_READ_PACKETS,
  SOCKET_BLOCKED,
  SOCKET_FLOATS,
  SOCKET_IN_WHEEL,
  SOCKET_MADE,
  SOCKET_WATCHED,
  SOCKET_WORDS,
  S_BUF_HEAD,
  S_BUF_PACKETS,
  S_BUF_TAIL,
  S_FILL,
  S_FILL_MAX,
  S_FLAGS,
  S_WHEEL_NEXT,
} from './socket-words.ts';
import { ReaderStalls } from './stalls.ts';

/** Half a millisecond a bucket, half a second in all. Sockets that are due later are looked at again on the way. */
const BUCKET_NS = 524_288;
const BUCKETS = 1_024;
const FIRST_SOCKETS = 64;
const NEVER = Number.POSITIVE_INFINITY;

/** Who is told what happens in the table. */
export interface SocketOwner {
  /** The application has read a packet, at `readNs[0]`; the cell is given back afterwards. */
  read(cell: number): void;
  /** Space has become free in a receive buffer that the meter waits for. */
  drained(socket: number): void;
}

/**
 * Sockets of legacy applications: receive buffers that hold whole packets, and readers. See socket-words.ts for what is kept of each.
 *
 * A reader is not an event for each packet: what it has read by now follows from when it began, so a socket is brought up to date
 * when somebody looks at it, and by a timer wheel, bucket by bucket. The times told are exact; nothing but the moment of telling differs.
 */
export class SocketTable {
  words: Int32Array;
  floats: Float64Array;
  /** Sockets with a place; those never used have no SOCKET_MADE flag. */
  capacity = FIRST_SOCKETS;
  /** Sockets used so far, and the largest number among them + 1. */
  made = 0;
  last = 0;
  readonly limit: number;
  readonly rcvbufBytes: number;
  readonly maxUnitBytes: number;
  readonly mbufs: number;
  /** Packets and bytes in all receive buffers, and their largest values; between two looks of the wheel what was read still counts. */
  mbufsUsed = 0;
  mbufsMax = 0;
  memoryBytes = 0;
  memoryMaxBytes = 0;
  readonly readNs = new Float64Array(1);
  /** End of the first bucket of the wheel with a socket in it; Infinity if there is none. */
  nextNs = NEVER;
  private lowat: number;
  private readonly wakeNs: number;
  private readonly nsPerByte: number;
  private readonly cells: Cells;
  private readonly owner: SocketOwner;
  private readonly heads = new Int32Array(BUCKETS);
  private readonly marks = new Int32Array(BUCKETS / 32);
  private bucket = 0;
  private waiting = 0;
  /** While mbufs are short: the ends of reads, so that the next mbuf is known without looking at every socket. Keys may be too early. */
  private readonly watched = new ReadHeap();
  private short = false;
  private readonly stalls: ReaderStalls;

  constructor(spec: SocketsSpec, cells: Cells, owner: SocketOwner) {
    this.limit = spec.by === 'count' ? spec.count : spec.max;
    this.rcvbufBytes = spec.rcvbufBytes;
    this.maxUnitBytes = Math.min(spec.maxUnitBytes, spec.rcvbufBytes);
    this.mbufs = spec.mbufs;
    this.lowat = spec.lowatBytes;
    this.wakeNs = Math.round(spec.wakeUs * NS_PER_US);
    this.nsPerByte = spec.readerBps === 0 ? 0 : 8e9 / spec.readerBps;
    this.cells = cells;
    this.owner = owner;
    this.words = new Int32Array(this.capacity * SOCKET_WORDS);
    this.floats = new Float64Array(this.words.buffer);
    this.stalls = new ReaderStalls(spec.stalls);
  }

  /** Makes sure that a socket has a place. */
  make(socket: number): void {
    if (socket >= this.capacity) this.grow(socket);
    const w = socket * SOCKET_WORDS;
    if ((this.words[w + S_FLAGS]! & SOCKET_MADE) !== 0) return;
    this.words[w + S_FLAGS] = this.words[w + S_FLAGS]! | SOCKET_MADE;
    this.floats[socket * SOCKET_FLOATS + SF_FINISH] = NEVER;
    this.made++;
    if (socket >= this.last) this.last = socket + 1;
  }

  private grow(socket: number): void {
    while (this.capacity <= socket) this.capacity *= 2;
    const bigger = new Int32Array(this.capacity * SOCKET_WORDS);
    bigger.set(this.words);
    this.words = bigger;
    this.floats = new Float64Array(bigger.buffer);
  }

  /** When a read of `lenBytes` ends that can begin at `tNs`. */
  private endOfRead(socket: number, tNs: number, lenBytes: number): number {
    return this.stalls.readyAt(socket, tNs) + Math.round(lenBytes * this.nsPerByte);
  }

  /** Puts a packet into the receive buffer at `tNs`; the socket is up to date and has room. */
  append(socket: number, cell: number, tNs: number): void {
    const { words, floats, cells } = this;
    const w = socket * SOCKET_WORDS;
    const f = socket * SOCKET_FLOATS;
    const lenBytes = cells.lenBytes[cell]!;
    const tail = words[w + S_BUF_TAIL]!;
    cells.next[cell] = 0;
    if (tail === 0) words[w + S_BUF_HEAD] = cell + 1;
    else cells.next[tail - 1] = cell + 1;
    words[w + S_BUF_TAIL] = cell + 1;
    words[w + S_BUF_PACKETS]!++;
    const fill = words[w + S_FILL]! + lenBytes;
    words[w + S_FILL] = fill;
    if (fill > words[w + S_FILL_MAX]!) words[w + S_FILL_MAX] = fill;
    floats[f + SF_PACKETS]!++;
    floats[f + SF_BYTES]! += lenBytes;
    floats[f + SF_LAST] = tNs;
    if (++this.mbufsUsed > this.mbufsMax) this.mbufsMax = this.mbufsUsed;
    this.memoryBytes += lenBytes;
    if (this.memoryBytes > this.memoryMaxBytes) this.memoryMaxBytes = this.memoryBytes;
    if (floats[f + SF_FINISH] === NEVER && fill >= this.lowat) this.wake(socket, tNs);
  }

  /** Wakes the application if it sleeps and there is something to read. */
  wake(socket: number, tNs: number): void {
    const head = this.words[socket * SOCKET_WORDS + S_BUF_HEAD]!;
    const f = socket * SOCKET_FLOATS;
    if (head === 0 || this.floats[f + SF_FINISH] !== NEVER) return;
    this.floats[f + SF_FINISH] = this.endOfRead(socket, tNs + this.wakeNs, this.cells.lenBytes[head - 1]!);
    const now = Math.floor(tNs / BUCKET_NS);
    if (this.waiting === 0 && now > this.bucket) this.bucket = now;
    this.enterWheel(socket);
    if (this.short) this.watchOrStop(socket);
  }

  /** Takes the first packet out of a receive buffer that nobody will read; -1 if there is none. The cell stays in use. */
  unread(socket: number): number {
    const { words, cells } = this;
    const w = socket * SOCKET_WORDS;
    const cell = words[w + S_BUF_HEAD]! - 1;
    if (cell < 0) return -1;
    const next = cells.next[cell]!;
    words[w + S_BUF_HEAD] = next;
    words[w + S_BUF_PACKETS]!--;
    words[w + S_FILL]! -= cells.lenBytes[cell]!;
    this.mbufsUsed--;
    this.memoryBytes -= cells.lenBytes[cell]!;
    if (next !== 0) return cell;
    words[w + S_BUF_TAIL] = 0;
    this.floats[socket * SOCKET_FLOATS + SF_FINISH] = NEVER;
    return cell;
  }

  /** Whether there is an mbuf for one more packet at `tNs`; what has been read by then has given its own back. */
  haveMbuf(tNs: number): boolean {
    if (this.mbufsUsed < this.mbufs) return true;
    if (!this.short) this.watchAll();
    const { watched } = this;
    while (watched.firstNs <= tNs) {
      const socket = watched.pop();
      this.words[socket * SOCKET_WORDS + S_FLAGS]! &= ~SOCKET_WATCHED;
      this.catchUp(socket, tNs);
      this.watch(socket);
    }
    return this.mbufsUsed < this.mbufs;
  }

  private watchAll(): void {
    this.short = true;
    for (let s = 0; s < this.last; s++) this.watch(s);
  }

  private watch(socket: number): void {
    const w = socket * SOCKET_WORDS;
    const endNs = this.floats[socket * SOCKET_FLOATS + SF_FINISH]!;
    if (this.words[w + S_BUF_HEAD] === 0 || endNs === NEVER || (this.words[w + S_FLAGS]! & SOCKET_WATCHED) !== 0) return;
    this.words[w + S_FLAGS]! |= SOCKET_WATCHED;
    this.watched.push(endNs, socket);
  }

  /** A reader has woken up while mbufs are short; when half of them are free they are not short any more. */
  private watchOrStop(socket: number): void {
    if (2 * this.mbufsUsed > this.mbufs) this.watch(socket);
    else this.watchNone();
  }

  private watchNone(): void {
    const { watched, words } = this;
    for (let i = 0; i < watched.size; i++) words[watched.at(i) * SOCKET_WORDS + S_FLAGS]! &= ~SOCKET_WATCHED;
    watched.clear();
    this.short = false;
  }

  /** Brings a socket up to `tNs`: tells the owner of everything that the application has read by then. */
  catchUp(socket: number, tNs: number): void {
    const f = socket * SOCKET_FLOATS;
    let finish = this.floats[f + SF_FINISH]!;
    if (finish > tNs) return;
    const { words, floats, cells } = this;
    const w = socket * SOCKET_WORDS;
    let head = words[w + S_BUF_HEAD]!;
    while (finish <= tNs) {
      const cell = head - 1;
      head = cells.next[cell]!;
      const lenBytes = cells.lenBytes[cell]!;
      words[w + S_FILL]! -= lenBytes;
      words[w + S_BUF_PACKETS]!--;
      this.mbufsUsed--;
      this.memoryBytes -= lenBytes;
      floats[f + SF_READ_PACKETS]!++;
      floats[f + SF_READ_BYTES]! += lenBytes;
      this.readNs[0] = finish;
      this.owner.read(cell);
      cells.release(cell);
      finish = head === 0 ? NEVER : this.endOfRead(socket, finish, cells.lenBytes[head - 1]!);
    }
    words[w + S_BUF_HEAD] = head;
    if (head === 0) words[w + S_BUF_TAIL] = 0;
    floats[f + SF_FINISH] = finish;
  }

  /** When `needBytes` will be free in a receive buffer, as far as its reader alone decides; Infinity if it sleeps. */
  spaceAt(socket: number, needBytes: number): number {
    const w = socket * SOCKET_WORDS;
    let free = this.rcvbufBytes - this.words[w + S_FILL]!;
    let t = this.floats[socket * SOCKET_FLOATS + SF_FINISH]!;
    for (let head = this.words[w + S_BUF_HEAD]!; head !== 0 && t !== NEVER;) {
      free += this.cells.lenBytes[head - 1]!;
      if (free >= needBytes) return t;
      head = this.cells.next[head - 1]!;
      if (head !== 0) t = this.endOfRead(socket, t, this.cells.lenBytes[head - 1]!);
    }
    return NEVER;
  }

  // The wheel.

  private enterWheel(socket: number): void {
    const w = socket * SOCKET_WORDS;
    if ((this.words[w + S_FLAGS]! & SOCKET_IN_WHEEL) !== 0) return;
    this.words[w + S_FLAGS]! |= SOCKET_IN_WHEEL;
    const due = Math.floor(this.floats[socket * SOCKET_FLOATS + SF_FINISH]! / BUCKET_NS);
    const bucket = due < this.bucket ? this.bucket : due >= this.bucket + BUCKETS ? this.bucket + BUCKETS - 1 : due;
    const place = bucket % BUCKETS;
    this.words[w + S_WHEEL_NEXT] = this.heads[place]!;
    this.heads[place] = socket + 1;
    this.marks[place >>> 5]! |= 1 << (place & 31);
    this.waiting++;
    const end = (bucket + 1) * BUCKET_NS;
    if (end < this.nextNs) this.nextNs = end;
  }

  /** Looks at the sockets of every bucket that has ended by `tNs`. */
  advance(tNs: number): void {
    while (this.nextNs <= tNs) {
      const bucket = Math.round(this.nextNs / BUCKET_NS) - 1;
      this.bucket = bucket;
      this.visit(bucket % BUCKETS, tNs);
      this.bucket = bucket + 1;
      this.schedule();
    }
  }

  /** Looks at the sockets whose bucket is going on at `tNs`, so that what their readers have freed is known. */
  advanceWithin(tNs: number): void {
    this.advance(tNs);
    const bucket = Math.floor(tNs / BUCKET_NS);
    if (this.waiting === 0 || bucket < this.bucket) return;
    this.bucket = bucket;
    this.visit(bucket % BUCKETS, tNs);
    this.schedule();
  }

  private visit(place: number, tNs: number): void {
    let next = this.heads[place]!;
    this.heads[place] = 0;
    this.marks[place >>> 5]! &= ~(1 << (place & 31));
    while (next !== 0) {
      const socket = next - 1;
      const w = socket * SOCKET_WORDS;
      next = this.words[w + S_WHEEL_NEXT]!;
      this.words[w + S_FLAGS]! &= ~SOCKET_IN_WHEEL;
      this.waiting--;
      this.catchUp(socket, tNs);
      if (this.floats[socket * SOCKET_FLOATS + SF_FINISH] !== NEVER) this.enterWheel(socket);
      if ((this.words[w + S_FLAGS]! & SOCKET_BLOCKED) !== 0) this.owner.drained(socket);
    }
  }

  private schedule(): void {
    this.nextNs = NEVER;
    if (this.waiting === 0) return;
    const start = this.bucket % BUCKETS;
    for (let i = 0; i <= BUCKETS / 32; i++) {
      const word = ((start >>> 5) + i) % (BUCKETS / 32);
      let bits = this.marks[word]!;
      if (i === 0) bits &= -1 << (start & 31);
      else if (i === BUCKETS / 32) bits &= ~(-1 << (start & 31));
      if (bits === 0) continue;
      const place = word * 32 + (31 - Math.clz32(bits & -bits));
      const ahead = (place - start + BUCKETS) % BUCKETS;
      this.nextNs = (this.bucket + ahead + 1) * BUCKET_NS;
      return;
    }
  }

  /** Brings every socket that has something to `tNs`. */
  catchUpAll(tNs: number): void {
    for (let s = 0; s < this.last; s++) if (this.words[s * SOCKET_WORDS + S_BUF_HEAD] !== 0) this.catchUp(s, tNs);
  }

  /** No more packets come: applications that wait for more than there is read what there is. */
  endOfInput(tNs: number): void {
    this.lowat = 1;
    for (let s = 0; s < this.last; s++) this.wake(s, tNs);
  }

  /** Forgets all sockets and makes room for `count`, for a snapshot. */
  reset(count: number): void {
    if (count > this.capacity) this.grow(count - 1);
    this.words.fill(0);
  }

  /** After words and floats were replaced: wheel and watch anew. */
  rebuild(tNs: number): void {
    this.watched.clear();
    this.short = false;
    this.heads.fill(0);
    this.marks.fill(0);
    this.waiting = 0;
    this.bucket = Math.floor(tNs / BUCKET_NS);
    this.nextNs = NEVER;
    for (let s = 0; s < this.last; s++) {
      this.words[s * SOCKET_WORDS + S_FLAGS]! &= ~(SOCKET_IN_WHEEL | SOCKET_WATCHED);
      if (this.words[s * SOCKET_WORDS + S_BUF_HEAD] !== 0 && this.floats[s * SOCKET_FLOATS + SF_FINISH] !== NEVER) this.enterWheel(s);
    }
  }
}
