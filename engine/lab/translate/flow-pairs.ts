/** Conversations a translator port remembers for its table; later ones are translated all the same and counted. */
export const MAX_FLOW_PAIRS = 1_048_576;

const FIRST_PAIRS = 256;

/**
 * Conversations through one translator port: the flow on the IPv6 side, the flow on the IPv4 side, and what went through, in columns
 * that grow. A pair without one of its flows has only been refused so far.
 */
export class FlowPairs {
  count = 0;
  /** Packets of conversations beyond the limit. */
  beyondLimit = 0;
  /** Flow numbers of the flow switch, -1 for none. */
  flow6 = new Int32Array(FIRST_PAIRS);
  flow4 = new Int32Array(FIRST_PAIRS);
  packets64 = new Uint32Array(FIRST_PAIRS);
  packets46 = new Uint32Array(FIRST_PAIRS);
  bytes64 = new Float64Array(FIRST_PAIRS);
  bytes46 = new Float64Array(FIRST_PAIRS);
  refused = new Uint32Array(FIRST_PAIRS);
  first = new Uint32Array(FIRST_PAIRS);
  last = new Uint32Array(FIRST_PAIRS);
  lastNs = new Float64Array(FIRST_PAIRS);
  /** Session of the stateful translator, -1 for none. May have ended since: see `sinceNs` of the session table. */
  session = new Int32Array(FIRST_PAIRS);
  /** Reason of the last packet. */
  code = new Uint8Array(FIRST_PAIRS);
  /** Pair + 1 of a flow number. */
  private pairOf = new Int32Array(FIRST_PAIRS);

  private grow(): void {
    const size = this.flow6.length * 2;
    const wider = <T extends Int32Array | Uint32Array | Float64Array | Uint8Array>(old: T, next: T): T => {
      next.set(old);
      return next;
    };
    this.flow6 = wider(this.flow6, new Int32Array(size));
    this.flow4 = wider(this.flow4, new Int32Array(size));
    this.packets64 = wider(this.packets64, new Uint32Array(size));
    this.packets46 = wider(this.packets46, new Uint32Array(size));
    this.bytes64 = wider(this.bytes64, new Float64Array(size));
    this.bytes46 = wider(this.bytes46, new Float64Array(size));
    this.refused = wider(this.refused, new Uint32Array(size));
    this.first = wider(this.first, new Uint32Array(size));
    this.last = wider(this.last, new Uint32Array(size));
    this.lastNs = wider(this.lastNs, new Float64Array(size));
    this.session = wider(this.session, new Int32Array(size));
    this.code = wider(this.code, new Uint8Array(size));
  }

  private find(flow: number): number {
    return flow >= 0 && flow < this.pairOf.length ? this.pairOf[flow]! - 1 : -1;
  }

  private bind(flow: number, pair: number): void {
    if (flow < 0) return;
    if (flow >= this.pairOf.length) {
      const next = new Int32Array(Math.max(this.pairOf.length * 2, flow + 1));
      next.set(this.pairOf);
      this.pairOf = next;
    }
    this.pairOf[flow] = pair + 1;
  }

  /**
   * Counts a packet that came in on `side` in flow `from` and left in flow `to` (-1: it did not leave on the other side). `session` is that of
   * the stateful translator or -1.
   */
  note(
    side: 4 | 6,
    from: number,
    to: number,
    session: number,
    code: number,
    lenBytes: number,
    refused: boolean,
    number: number,
    tNs: number,
  ): void {
    let pair = this.find(from);
    if (pair < 0) pair = this.find(to);
    if (pair < 0) {
      if (this.count >= MAX_FLOW_PAIRS || (from < 0 && to < 0)) {
        this.beyondLimit++;
        return;
      }
      if (this.count === this.flow6.length) this.grow();
      pair = this.count++;
      this.flow6[pair] = -1;
      this.flow4[pair] = -1;
      this.session[pair] = -1;
      this.first[pair] = number;
    }
    const six = side === 6;
    if (from >= 0) {
      (six ? this.flow6 : this.flow4)[pair] = from;
      this.bind(from, pair);
    }
    if (to >= 0) {
      (six ? this.flow4 : this.flow6)[pair] = to;
      this.bind(to, pair);
    }
    if (session >= 0) this.session[pair] = session;
    if (refused) this.refused[pair]!++;
    else if (six) {
      this.packets64[pair]!++;
      this.bytes64[pair]! += lenBytes;
    } else {
      this.packets46[pair]!++;
      this.bytes46[pair]! += lenBytes;
    }
    this.code[pair] = code;
    this.last[pair] = number;
    this.lastNs[pair] = tNs;
  }
}
