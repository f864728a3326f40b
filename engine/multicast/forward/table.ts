/**
 * Forwarding entries in typed arrays, open addressing at half load. A key is source and group as 32-bit words: one each for translated and IPv4
 * entries, four each for IPv6 entries without an IPv4 form. Rows, by column:
 *
 *   state    0 free, 1 used, 2 deleted
 *   key      words of source and group
 *   in4/in6  interface from which data of that family is taken, -1 where it is not
 *   to44, to46, to64, to66  interfaces by family of the packet and of its copy, as masks
 *   packets, bytes, otherFamily, otherFamilyBytes, otherInterface  counters
 */
export class ForwardingTable {
  readonly words: number;
  used = 0;
  deleted = 0;
  /** Entries refused because of `limit`. */
  refused = 0;
  /** Goes up whenever a row that was found may be elsewhere or gone. */
  moves = 0;
  private readonly limit: number;
  private mask: number;
  private state: Uint8Array;
  private key: Uint32Array;
  in4: Int8Array;
  in6: Int8Array;
  to44: Uint32Array;
  to46: Uint32Array;
  to64: Uint32Array;
  to66: Uint32Array;
  packets: Float64Array;
  bytes: Float64Array;
  otherFamily: Float64Array;
  otherFamilyBytes: Float64Array;
  otherInterface: Float64Array;

  /** `words` of source and group together: 2 or 8. */
  constructor(words: 2 | 8, limit: number, rows = 64) {
    this.words = words;
    this.limit = limit;
    this.mask = rows - 1;
    this.state = new Uint8Array(rows);
    this.key = new Uint32Array(rows * words);
    this.in4 = new Int8Array(rows);
    this.in6 = new Int8Array(rows);
    this.to44 = new Uint32Array(rows);
    this.to46 = new Uint32Array(rows);
    this.to64 = new Uint32Array(rows);
    this.to66 = new Uint32Array(rows);
    this.packets = new Float64Array(rows);
    this.bytes = new Float64Array(rows);
    this.otherFamily = new Float64Array(rows);
    this.otherFamilyBytes = new Float64Array(rows);
    this.otherInterface = new Float64Array(rows);
  }

  get bytesUsed(): number {
    const columns = [this.state, this.key, this.in4, this.in6, this.to44, this.to46, this.to64, this.to66];
    const counters = [this.packets, this.bytes, this.otherFamily, this.otherFamilyBytes, this.otherInterface];
    return [...columns, ...counters].reduce((sum, each) => sum + each.byteLength, 0);
  }

  /** Row of a key of two words, or -1. */
  find2(source: number, group: number): number {
    const { state, key, mask } = this;
    for (let row = hash2(source, group) & mask; state[row] !== 0; row = (row + 1) & mask) {
      if (state[row] === 1 && key[row * 2] === source && key[row * 2 + 1] === group) return row;
    }
    return -1;
  }

  /** Word `i` of the key of a row. */
  keyWord(row: number, i: number): number {
    return this.key[row * this.words + i]!;
  }

  /** Row of a key of `words` words at `at` in `from`, or -1. */
  find(from: Uint32Array, at = 0): number {
    const { state, mask } = this;
    for (let row = this.hash(from, at) & mask; state[row] !== 0; row = (row + 1) & mask) {
      if (state[row] === 1 && this.same(row, from, at)) return row;
    }
    return -1;
  }

  private hash(from: Uint32Array, at: number): number {
    if (this.words === 2) return hash2(from[at]!, from[at + 1]!);
    let h = 0;
    for (let i = 0; i < this.words; i++) h = Math.imul(h ^ from[at + i]!, 0x9e3779b1) ^ (h >>> 15);
    return (h ^ (h >>> 13)) >>> 0;
  }

  private same(row: number, from: Uint32Array, at: number): boolean {
    const { key, words } = this;
    for (let i = 0; i < words; i++) if (key[row * words + i] !== from[at + i]) return false;
    return true;
  }

  /** Row of a key that is there now, or -1 where the table is full. A new row takes and sends nothing. */
  add(from: Uint32Array): number {
    const known = this.find(from);
    if (known >= 0) return known;
    if (this.used >= this.limit) {
      this.refused++;
      return -1;
    }
    if ((this.used + this.deleted + 1) * 2 > this.mask + 1) this.grow();
    const row = this.place(from, 0);
    this.used++;
    return row;
  }

  private place(from: Uint32Array, at: number): number {
    const { state, key, mask, words } = this;
    let row = this.hash(from, at) & mask;
    while (state[row] === 1) row = (row + 1) & mask;
    if (state[row] === 2) this.deleted--;
    state[row] = 1;
    for (let i = 0; i < words; i++) key[row * words + i] = from[at + i]!;
    this.in4[row] = -1;
    this.in6[row] = -1;
    this.setLists(row, 0, 0, 0, 0);
    for (const column of this.counters) column[row] = 0;
    return row;
  }

  private get counters(): readonly Float64Array[] {
    return [this.packets, this.bytes, this.otherFamily, this.otherFamilyBytes, this.otherInterface];
  }

  setLists(row: number, to44: number, to46: number, to64: number, to66: number): void {
    this.to44[row] = to44;
    this.to46[row] = to46;
    this.to64[row] = to64;
    this.to66[row] = to66;
  }

  remove(row: number): void {
    if (this.state[row] !== 1) return;
    this.state[row] = 2;
    this.used--;
    this.deleted++;
    this.moves++;
  }

  private grow(): void {
    const rows = this.used * 4 > this.mask + 1 ? (this.mask + 1) * 2 : this.mask + 1;
    const old = new ForwardingTable(this.words as 2 | 8, this.limit, 2);
    Object.assign(old, this);
    const { used, refused, moves } = old;
    Object.assign(this, new ForwardingTable(this.words as 2 | 8, this.limit, rows), { used, deleted: 0, refused, moves: moves + 1 });
    for (let row = 0; row <= old.mask; row++) {
      if (old.state[row] !== 1) continue;
      const to = this.place(old.key, row * old.words);
      this.in4[to] = old.in4[row]!;
      this.in6[to] = old.in6[row]!;
      this.setLists(to, old.to44[row]!, old.to46[row]!, old.to64[row]!, old.to66[row]!);
      for (const [i, column] of this.counters.entries()) column[to] = old.counters[i]![row]!;
    }
  }
}

/** Row of the packets of one stream, kept by whoever sends many of them. */
export class StreamPlace {
  private table: ForwardingTable | undefined;
  private row = -1;
  private moves = -1;

  /** The row in this table, or -1 where it has to be looked up. */
  rowIn(table: ForwardingTable): number {
    return this.table === table && this.moves === table.moves ? this.row : -1;
  }

  keep(table: ForwardingTable, row: number): void {
    this.table = table;
    this.row = row;
    this.moves = table.moves;
  }
}

function hash2(source: number, group: number): number {
  const h = Math.imul(source ^ Math.imul(group, 0x85ebca6b), 0x9e3779b1);
  return (h ^ (h >>> 15)) >>> 0;
}
