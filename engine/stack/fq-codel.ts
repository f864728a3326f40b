import { ECN_CE, ECN_NOT_ECT } from './service-class.ts';

/**
 * One class queue: FQ-CoDel (RFC 8290) with the CoDel of RFC 8289 in each of its sub-queues, or a plain FIFO with the same limit to
 * compare it with (W-05). Packets are indices of a packet store; queues are linked lists through `next`, so that nothing is
 * allocated while it runs. Times are ns on the lab clock.
 *
 *     enqueue: hash -> bucket, behind its last packet; a bucket that was in no list goes to the end of the new list
 *     dequeue: deficit round robin, new list first; CoDel decides at the head of the chosen bucket
 *
 * Whatever is dropped inside a call stands in `dropped` until the next call.
 */
export interface FqCodelSpec {
  readonly mode: 'fq-codel' | 'fifo';
  /** Sub-queues; 1024 in RFC 8290 section 5.2. */
  readonly buckets: number;
  /** Bytes a bucket may send before the next one has its turn. */
  readonly quantumBytes: number;
  readonly targetNs: number;
  readonly intervalNs: number;
  /** Packets inside at most. */
  readonly limitPackets: number;
  /** Mark packets that say they can be marked, instead of dropping them (RFC 3168). */
  readonly ecn: boolean;
  /** Packets dropped at once from the fattest bucket when the limit is reached, at most, and never more than half of it. */
  readonly overloadBatch: number;
}

/** CoDel drops nothing while all sub-queues together hold no more than one such packet (RFC 8289 section 4.1). */
export const AQM_MTU_BYTES = 1_514;

/** Why a packet is in `dropped`. */
export const AQM_DROP_CODEL = 1;
export const AQM_DROP_OVERLOAD = 2;
export const AQM_DROP_TAIL = 3;

const NONE = -1;
const LIST_NONE = 0;
const LIST_NEW = 1;
const LIST_OLD = 2;
/** Within this many intervals after leaving the drop state CoDel goes on where it was (RFC 8289 section 5). */
const RESUME_INTERVALS = 16;

export class FqCodel {
  readonly spec: FqCodelSpec;
  packets = 0;
  bytes = 0;
  highWater = 0;
  enqueued = 0;
  dequeued = 0;
  marked = 0;
  droppedCodel = 0;
  droppedOverload = 0;
  droppedTail = 0;
  /** Packets that CoDel would have dropped, but whose sender has been told instead. */
  spared = 0;
  /** Packets dropped by the last call and why: AQM_DROP_*. */
  readonly dropped: Int32Array;
  readonly droppedWhy: Uint8Array;
  droppedCount = 0;
  /** Of the packet that the last dequeue gave. */
  lastBucket = NONE;
  lastSojournNs = 0;
  lastMarked = false;
  /** Buckets whose packets CoDel does not drop, because whoever sends them can be told to stop (S-07). Marking goes on. */
  readonly advised: Uint8Array;
  readonly bucketBytes: Float64Array;
  readonly bucketPackets: Int32Array;
  private readonly head: Int32Array;
  private readonly tail: Int32Array;
  private readonly deficit: Float64Array;
  private readonly list: Uint8Array;
  private readonly listNext: Int32Array;
  private readonly firstAboveNs: Float64Array;
  private readonly dropNextNs: Float64Array;
  private readonly count: Int32Array;
  private readonly lastCount: Int32Array;
  private readonly dropping: Uint8Array;
  /** Heads and tails of the new and the old list. */
  private readonly listHead = Int32Array.of(NONE, NONE, NONE);
  private readonly listTail = Int32Array.of(NONE, NONE, NONE);
  private readonly next: Int32Array;
  private readonly lenBytes: Int32Array;
  private readonly ecn: Uint8Array;
  private readonly enqueuedNs: Float64Array;
  private okToDrop = false;

  /** `capacity`: indices that packets may have. */
  constructor(spec: FqCodelSpec, capacity: number) {
    const buckets = spec.mode === 'fifo' ? 1 : spec.buckets;
    this.spec = { ...spec, buckets };
    this.dropped = new Int32Array(capacity);
    this.droppedWhy = new Uint8Array(capacity);
    this.advised = new Uint8Array(buckets);
    this.bucketBytes = new Float64Array(buckets);
    this.bucketPackets = new Int32Array(buckets);
    this.head = new Int32Array(buckets).fill(NONE);
    this.tail = new Int32Array(buckets).fill(NONE);
    this.deficit = new Float64Array(buckets);
    this.list = new Uint8Array(buckets);
    this.listNext = new Int32Array(buckets).fill(NONE);
    this.firstAboveNs = new Float64Array(buckets);
    this.dropNextNs = new Float64Array(buckets);
    this.count = new Int32Array(buckets);
    this.lastCount = new Int32Array(buckets);
    this.dropping = new Uint8Array(buckets);
    this.next = new Int32Array(capacity).fill(NONE);
    this.lenBytes = new Int32Array(capacity);
    this.ecn = new Uint8Array(capacity);
    this.enqueuedNs = new Float64Array(capacity);
  }

  bucketOf(hash: number): number {
    return this.spec.buckets === 1 ? 0 : (hash >>> 0) % this.spec.buckets;
  }

  /** Puts a packet in. Packets in `dropped` afterwards have left; in a full FIFO that is the packet itself. */
  enqueue(index: number, lenBytes: number, hash: number, ecn: number, nowNs: number): void {
    this.droppedCount = 0;
    const { spec } = this;
    this.enqueued++;
    if (spec.mode === 'fifo' && this.packets >= spec.limitPackets) {
      this.drop(index, AQM_DROP_TAIL);
      return;
    }
    const b = this.bucketOf(hash);
    this.lenBytes[index] = lenBytes;
    this.ecn[index] = ecn;
    this.enqueuedNs[index] = nowNs;
    this.next[index] = NONE;
    if (this.head[b] === NONE) this.head[b] = index;
    else this.next[this.tail[b]!] = index;
    this.tail[b] = index;
    this.bucketBytes[b]! += lenBytes;
    this.bucketPackets[b]!++;
    this.bytes += lenBytes;
    this.packets++;
    if (this.list[b] === LIST_NONE) {
      this.deficit[b] = spec.quantumBytes;
      this.append(LIST_NEW, b);
    }
    if (spec.mode === 'fq-codel' && this.packets > spec.limitPackets) this.shed();
    if (this.packets > this.highWater) this.highWater = this.packets;
  }

  /** The next packet, or -1 if nothing is left. */
  dequeue(nowNs: number): number {
    this.droppedCount = 0;
    this.lastMarked = false;
    if (this.spec.mode === 'fifo') return this.dequeueFifo(nowNs);
    for (;;) {
      const from = this.listHead[LIST_NEW] === NONE ? LIST_OLD : LIST_NEW;
      const b = this.listHead[from]!;
      if (b === NONE) return -1;
      if (this.deficit[b]! <= 0) {
        this.deficit[b]! += this.spec.quantumBytes;
        this.shift(from);
        this.append(LIST_OLD, b);
        continue;
      }
      const index = this.codel(b, nowNs);
      if (index < 0) {
        // An empty new bucket goes round once more, so that it cannot starve the old ones (RFC 8290 section 4.2).
        this.shift(from);
        if (from === LIST_NEW && this.listHead[LIST_OLD] !== NONE) this.append(LIST_OLD, b);
        else this.list[b] = LIST_NONE;
        continue;
      }
      this.deficit[b]! -= this.lenBytes[index]!;
      this.dequeued++;
      this.lastBucket = b;
      this.lastSojournNs = nowNs - this.enqueuedNs[index]!;
      return index;
    }
  }

  private dequeueFifo(nowNs: number): number {
    const index = this.pop(0);
    if (index < 0) return -1;
    if (this.head[0] === NONE) {
      this.shift(LIST_NEW);
      this.list[0] = LIST_NONE;
    }
    this.dequeued++;
    this.lastBucket = 0;
    this.lastSojournNs = nowNs - this.enqueuedNs[index]!;
    return index;
  }

  /** Whether CoDel sees a standing queue in the bucket: it drops or marks there, or would. */
  standing(bucket: number, nowNs: number): boolean {
    const first = this.firstAboveNs[bucket]!;
    return first !== 0 && nowNs >= first;
  }

  /** Time that the packet at the head of a bucket has waited, 0 for an empty bucket. */
  headWaitNs(bucket: number, nowNs: number): number {
    const index = this.head[bucket]!;
    return index === NONE ? 0 : nowNs - this.enqueuedNs[index]!;
  }

  /** Every packet inside, bucket by bucket in order: for snapshots and checks. */
  inside(): number[] {
    const out: number[] = [];
    for (let b = 0; b < this.head.length; b++) for (let i = this.head[b]!; i !== NONE; i = this.next[i]!) out.push(i);
    return out;
  }

  private codel(b: number, nowNs: number): number {
    let index = this.look(b, nowNs);
    if (index < 0) {
      this.dropping[b] = 0;
      return -1;
    }
    if (this.dropping[b] === 1) {
      if (!this.okToDrop) this.dropping[b] = 0;
      while (this.dropping[b] === 1 && nowNs >= this.dropNextNs[b]!) {
        this.count[b]!++;
        if (this.mark(index) || this.spare(b)) {
          this.dropNextNs[b] = this.law(this.dropNextNs[b]!, this.count[b]!);
          return index;
        }
        this.drop(index, AQM_DROP_CODEL);
        index = this.look(b, nowNs);
        if (index < 0 || !this.okToDrop) this.dropping[b] = 0;
        else this.dropNextNs[b] = this.law(this.dropNextNs[b]!, this.count[b]!);
        if (index < 0) return -1;
      }
      return index;
    }
    if (this.okToDrop) {
      if (!this.mark(index) && !this.spare(b)) {
        this.drop(index, AQM_DROP_CODEL);
        index = this.look(b, nowNs);
      }
      this.dropping[b] = 1;
      const delta = this.count[b]! - this.lastCount[b]!;
      const soon = nowNs - this.dropNextNs[b]! < RESUME_INTERVALS * this.spec.intervalNs;
      this.count[b] = delta > 1 && soon ? delta : 1;
      this.dropNextNs[b] = this.law(nowNs, this.count[b]);
      this.lastCount[b] = this.count[b]!;
    }
    return index;
  }

  /**
   * Takes the head of a bucket and says in `okToDrop` whether the queue has stood above the target for an interval. What keeps the link
   * busy is what all sub-queues hold, not this one (RFC 8289 section 4.4).
   */
  private look(b: number, nowNs: number): number {
    this.okToDrop = false;
    const index = this.pop(b);
    if (index < 0) {
      this.firstAboveNs[b] = 0;
      return -1;
    }
    const sojournNs = nowNs - this.enqueuedNs[index]!;
    if (sojournNs < this.spec.targetNs || this.bytes <= AQM_MTU_BYTES) this.firstAboveNs[b] = 0;
    else if (this.firstAboveNs[b] === 0) this.firstAboveNs[b] = nowNs + this.spec.intervalNs;
    else if (nowNs >= this.firstAboveNs[b]!) this.okToDrop = true;
    return index;
  }

  private law(tNs: number, count: number): number {
    return Math.round(tNs + this.spec.intervalNs / Math.sqrt(count));
  }

  private mark(index: number): boolean {
    if (!this.spec.ecn || this.ecn[index] === ECN_NOT_ECT) return false;
    this.ecn[index] = ECN_CE;
    this.marked++;
    this.lastMarked = true;
    return true;
  }

  private spare(b: number): boolean {
    if (this.advised[b] === 0) return false;
    this.spared++;
    return true;
  }

  /** The limit is reached: the bucket with the most bytes gives up its oldest packets. */
  private shed(): void {
    let fattest = 0;
    for (let b = 1; b < this.bucketBytes.length; b++) if (this.bucketBytes[b]! > this.bucketBytes[fattest]!) fattest = b;
    const most = Math.max(1, Math.min(this.spec.overloadBatch, this.bucketPackets[fattest]! >> 1));
    for (let n = 0; n < most; n++) this.drop(this.pop(fattest), AQM_DROP_OVERLOAD);
  }

  private drop(index: number, why: number): void {
    this.dropped[this.droppedCount] = index;
    this.droppedWhy[this.droppedCount++] = why;
    if (why === AQM_DROP_CODEL) this.droppedCodel++;
    else if (why === AQM_DROP_OVERLOAD) this.droppedOverload++;
    else this.droppedTail++;
  }

  private pop(b: number): number {
    const index = this.head[b]!;
    if (index === NONE) return -1;
    this.head[b] = this.next[index]!;
    if (this.head[b] === NONE) this.tail[b] = NONE;
    this.bucketBytes[b]! -= this.lenBytes[index]!;
    this.bucketPackets[b]!--;
    this.bytes -= this.lenBytes[index]!;
    this.packets--;
    return index;
  }

  private append(list: number, b: number): void {
    this.list[b] = list;
    this.listNext[b] = NONE;
    if (this.listHead[list] === NONE) this.listHead[list] = b;
    else this.listNext[this.listTail[list]!] = b;
    this.listTail[list] = b;
  }

  private shift(list: number): void {
    const b = this.listHead[list]!;
    this.listHead[list] = this.listNext[b]!;
    if (this.listHead[list] === NONE) this.listTail[list] = NONE;
  }

  /** The state as numbers; packets by `place`, which gives the number that a packet has in the snapshot. */
  save(place: (index: number) => number): number[] {
    const out = [this.packets, this.bytes, this.highWater, this.enqueued, this.dequeued];
    out.push(this.marked, this.droppedCodel, this.droppedOverload, this.droppedTail, this.spared, ...this.listHead, ...this.listTail);
    const used: number[] = [];
    for (let b = 0; b < this.head.length; b++)
      if (this.list[b] !== LIST_NONE || this.dropNextNs[b] !== 0 || this.firstAboveNs[b] !== 0 || this.advised[b] !== 0) used.push(b);
    out.push(used.length);
    for (const b of used) {
      out.push(b, this.advised[b]!, this.deficit[b]!, this.list[b]!, this.listNext[b]!, this.firstAboveNs[b]!, this.dropNextNs[b]!);
      out.push(this.count[b]!, this.lastCount[b]!, this.dropping[b]!, this.bucketPackets[b]!);
      for (let i = this.head[b]!; i !== NONE; i = this.next[i]!) out.push(place(i), this.lenBytes[i]!, this.ecn[i]!, this.enqueuedNs[i]!);
    }
    return out;
  }

  /** Takes a saved state over; `get` gives the numbers in order, `index` the packet of a place. */
  restore(get: () => number, index: (place: number) => number): void {
    for (const a of [this.advised, this.bucketBytes, this.bucketPackets, this.deficit, this.list, this.firstAboveNs, this.dropNextNs])
      a.fill(0);
    for (const a of [this.count, this.lastCount, this.dropping]) a.fill(0);
    for (const a of [this.head, this.tail, this.listNext]) a.fill(NONE);
    [this.packets, this.bytes, this.highWater, this.enqueued, this.dequeued] = [get(), get(), get(), get(), get()];
    [this.marked, this.droppedCodel, this.droppedOverload, this.droppedTail, this.spared] = [get(), get(), get(), get(), get()];
    for (let i = 0; i < 3; i++) this.listHead[i] = get();
    for (let i = 0; i < 3; i++) this.listTail[i] = get();
    for (let n = get(); n > 0; n--) this.restoreBucket(get(), get, index);
  }

  private restoreBucket(b: number, get: () => number, index: (place: number) => number): void {
    [this.advised[b], this.deficit[b], this.list[b], this.listNext[b]] = [get(), get(), get(), get()];
    [this.firstAboveNs[b], this.dropNextNs[b], this.count[b], this.lastCount[b], this.dropping[b]] = [get(), get(), get(), get(), get()];
    const packets = get();
    this.bucketPackets[b] = packets;
    for (let n = 0; n < packets; n++) {
      const i = index(get());
      this.lenBytes[i] = get();
      this.ecn[i] = get();
      this.enqueuedNs[i] = get();
      this.next[i] = NONE;
      if (this.head[b] === NONE) this.head[b] = i;
      else this.next[this.tail[b]!] = i;
      this.tail[b] = i;
      this.bucketBytes[b]! += this.lenBytes[i];
    }
  }
}
