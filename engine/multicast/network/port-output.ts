import type { Family } from '../addresses.ts';

/** Packets that a router may send at one instant: a full refresh of all its joins, or the fragments of one datagram on every link. */
export const MAX_PORT_COPIES = 65_536;
const FIRST_ROWS = 64;

/**
 * What the router of a port has sent: a row for each copy of group data and each message. Bytes of copies stand in the router's own sink until
 * `clear`, so nothing is allocated for a packet.
 */
export class PortOutput {
  count = 0;
  /** Rows that are messages. */
  messages = 0;
  /** Bytes of each row, `length` of them from `at` on. */
  readonly bytes: Uint8Array[] = [];
  at = new Uint32Array(FIRST_ROWS);
  length = new Uint32Array(FIRST_ROWS);
  /** Number of the interface it leaves by. */
  iface = new Uint8Array(FIRST_ROWS);
  private six = new Uint8Array(FIRST_ROWS);
  private control = new Uint8Array(FIRST_ROWS);

  clear(): void {
    this.count = 0;
    this.messages = 0;
  }

  /** False where there is no room. */
  add(iface: number, family: Family, control: boolean, bytes: Uint8Array, at: number, length: number): boolean {
    const row = this.count;
    if (row >= MAX_PORT_COPIES) return false;
    if (row === this.at.length) this.grow();
    this.bytes[row] = bytes;
    this.at[row] = at;
    this.length[row] = length;
    this.iface[row] = iface;
    this.six[row] = family === 6 ? 1 : 0;
    this.control[row] = control ? 1 : 0;
    if (control) this.messages++;
    this.count++;
    return true;
  }

  family(row: number): Family {
    return this.six[row] === 1 ? 6 : 4;
  }

  isMessage(row: number): boolean {
    return this.control[row] === 1;
  }

  /** Bytes of a row of one's own, for one at a time and for tests. */
  packet(row: number): Uint8Array {
    const at = this.at[row]!;
    return this.bytes[row]!.slice(at, at + this.length[row]!);
  }

  /** Takes what stands in `shared` out of it, so that it may be written again. */
  detach(shared: Uint8Array): void {
    for (let row = 0; row < this.count; row++) {
      if (this.bytes[row] !== shared) continue;
      this.bytes[row] = this.packet(row);
      this.at[row] = 0;
    }
  }

  private grow(): void {
    const wider = <T extends Uint8Array | Uint32Array>(old: T, made: T): T => {
      made.set(old);
      return made;
    };
    const rows = this.at.length * 2;
    this.at = wider(this.at, new Uint32Array(rows));
    this.length = wider(this.length, new Uint32Array(rows));
    this.iface = wider(this.iface, new Uint8Array(rows));
    this.six = wider(this.six, new Uint8Array(rows));
    this.control = wider(this.control, new Uint8Array(rows));
  }
}
