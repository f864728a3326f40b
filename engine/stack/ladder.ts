import { ROW_A, ROW_B, ROW_PORTS, ROW_PROTOCOL } from '../wire/index.ts';

/**
 * The mask ladder of the flow switch: rules that stacks have installed, from the most to the least particular. A mask with no
 * rules costs nothing. The ladder is climbed only when a flow has no entry yet; what it finds is remembered in the entry.
 * "Local" is the side of this machine: the destination of a received packet, the source of a sent one.
 */
const LOCAL_ADDRESS = 1;
const LOCAL_PORT = 2;
const REMOTE_ADDRESS = 4;
const REMOTE_PORT = 8;

export interface FlowMask {
  readonly name: string;
  readonly bits: number;
}

export const FLOW_MASKS: readonly FlowMask[] = [
  { name: '5-tuple', bits: LOCAL_ADDRESS | LOCAL_PORT | REMOTE_ADDRESS | REMOTE_PORT },
  { name: '4-tuple', bits: LOCAL_ADDRESS | LOCAL_PORT | REMOTE_PORT },
  { name: '3-tuple', bits: LOCAL_ADDRESS | LOCAL_PORT },
  { name: '2-tuple', bits: LOCAL_PORT },
  { name: 'ip-3', bits: LOCAL_ADDRESS | REMOTE_ADDRESS },
  { name: 'ip-2', bits: LOCAL_ADDRESS },
  { name: 'ip-1', bits: 0 },
];

/** A rule: fields left out are not looked at. Addresses are key words (IPv4 in the first, the rest 0). */
export interface FlowPattern {
  readonly ipVersion: 4 | 6;
  readonly protocol: number;
  readonly localAddress?: readonly number[];
  readonly localPort?: number;
  readonly remoteAddress?: readonly number[];
  readonly remotePort?: number;
}

/** The mask a pattern belongs to, -1 if the ladder has no such mask. */
export function maskOf(pattern: FlowPattern): number {
  const bits =
    (pattern.localAddress === undefined ? 0 : LOCAL_ADDRESS) |
    (pattern.localPort === undefined ? 0 : LOCAL_PORT) |
    (pattern.remoteAddress === undefined ? 0 : REMOTE_ADDRESS) |
    (pattern.remotePort === undefined ? 0 : REMOTE_PORT);
  return FLOW_MASKS.findIndex((mask) => mask.bits === bits);
}

export class Ladder {
  private readonly rules: readonly Map<string, number>[] = FLOW_MASKS.map(() => new Map<string, number>());
  /** Lookups a mask was asked for, by mask; masks without rules are not asked. */
  readonly asked = new Float64Array(FLOW_MASKS.length);
  /** Mask of the last match, -1 if none. */
  lastMask = -1;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Takes all rules out. */
  clear(): void {
    for (const rules of this.rules) rules.clear();
    this.count = 0;
  }

  has(pattern: FlowPattern): boolean {
    const mask = maskOf(pattern);
    return mask >= 0 && this.rules[mask]!.has(patternText(pattern));
  }

  /** Adds a rule; false if one with the same key is there. */
  add(pattern: FlowPattern, port: number): boolean {
    const mask = maskOf(pattern);
    if (mask < 0 || this.rules[mask]!.has(patternText(pattern))) return false;
    this.rules[mask]!.set(patternText(pattern), port);
    this.count++;
    return true;
  }

  remove(pattern: FlowPattern): boolean {
    const mask = maskOf(pattern);
    const removed = mask >= 0 && this.rules[mask]!.delete(patternText(pattern));
    if (removed) this.count--;
    return removed;
  }

  /** Port of the most particular rule for the key at `at`, or -1. `localIsB`: this machine's side is B. */
  find(words: Int32Array, at: number, localIsB: boolean): number {
    this.lastMask = -1;
    if (this.count === 0) return -1;
    const head = words[at + ROW_PROTOCOL]! & 0xfff;
    const ports = words[at + ROW_PORTS]!;
    const local = wordsText(words, at + (localIsB ? ROW_B : ROW_A));
    const remote = wordsText(words, at + (localIsB ? ROW_A : ROW_B));
    const localPort = localIsB ? ports & 0xffff : ports >>> 16;
    const remotePort = localIsB ? ports >>> 16 : ports & 0xffff;
    for (let m = 0; m < FLOW_MASKS.length; m++) {
      const rules = this.rules[m]!;
      if (rules.size === 0) continue;
      this.asked[m]!++;
      const port = rules.get(ladderKey(FLOW_MASKS[m]!.bits, head, local, localPort, remote, remotePort));
      if (port !== undefined) {
        this.lastMask = m;
        return port;
      }
    }
    return -1;
  }
}

function wordsText(words: Int32Array, at: number): string {
  return `${String(words[at])}.${String(words[at + 1])}.${String(words[at + 2])}.${String(words[at + 3])}`;
}

/** The same text for the same rule. */
export function patternText(p: FlowPattern): string {
  const bits = FLOW_MASKS[maskOf(p)]?.bits ?? -1;
  const text = (address: readonly number[] | undefined): string => (address === undefined ? '' : address.map((w) => w | 0).join('.'));
  return ladderKey(bits, (p.ipVersion << 8) | p.protocol, text(p.localAddress), p.localPort ?? 0, text(p.remoteAddress), p.remotePort ?? 0);
}

function ladderKey(bits: number, head: number, local: string, localPort: number, remote: string, remotePort: number): string {
  const a = (bits & LOCAL_ADDRESS) !== 0 ? local : '';
  const b = (bits & LOCAL_PORT) !== 0 ? String(localPort) : '';
  const c = (bits & REMOTE_ADDRESS) !== 0 ? remote : '';
  const d = (bits & REMOTE_PORT) !== 0 ? String(remotePort) : '';
  return `${String(head)}/${a}/${b}/${c}/${d}`;
}
