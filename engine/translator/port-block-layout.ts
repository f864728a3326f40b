import { err, ok } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import type { Nat64Spec } from '../contract/index.ts';
import type { PortPools } from './port-pools.ts';
import { parsePrefix6, type Prefix6 } from './prefix64.ts';
import type { SettingsError } from './settings.ts';

/** Blocks of all pools: 22 bytes of state each and the hash of their holders. */
export const MAX_PORT_BLOCKS = 4_194_304;

interface BlockRange {
  readonly first: number;
  readonly addresses: number;
  readonly lowPort: number;
  readonly perAddress: number;
  /** The first blocks of an address are those of subscribers by calculation; the others are given as needed. */
  readonly ownPerAddress: number;
  /** Number of the first block of the first address. */
  readonly base: number;
}

/** A prefix whose subscribers have their blocks by calculation, and the number of its first one. */
interface Calculated {
  readonly prefix: Prefix6;
  readonly base: number;
}

/** Which ports of which addresses are which block, and whose a block is by calculation (RFC 7422 section 2). Has no state. */
export class PortBlockLayout {
  /** Ports of a block. */
  readonly size: number;
  readonly total: number;
  /** Blocks that are no subscriber's by calculation. */
  readonly dynamic: number;
  /** Bits that name a subscriber. */
  readonly prefixBits: number;
  private readonly ranges: readonly BlockRange[];
  private readonly calculated: readonly Calculated[];

  private constructor(spec: Nat64Spec, ranges: readonly BlockRange[], calculated: readonly Calculated[]) {
    this.size = spec.portBlocks.size;
    this.prefixBits = spec.subscriberPrefix;
    this.ranges = ranges;
    this.calculated = calculated;
    this.total = ranges.reduce((sum, { addresses, perAddress }) => sum + addresses * perAddress, 0);
    this.dynamic = this.total - ownBlocks(ranges);
  }

  /** Undefined where blocks are off. Error: the configuration field that cannot be used. */
  static compile(spec: Nat64Spec, pools: PortPools): Result<PortBlockLayout | undefined, SettingsError> {
    const { mode, size, subscribers } = spec.portBlocks;
    if (mode === 'off') return ok(undefined);
    const ranges = rangesOf(spec, pools);
    if (!ranges.ok) return ranges;
    const calculated = mode === 'deterministic' ? number(subscribers, spec.subscriberPrefix, ownBlocks(ranges.value)) : ok([]);
    if (!calculated.ok) return calculated;
    const layout = new PortBlockLayout(spec, ranges.value, calculated.value);
    if (layout.total <= MAX_PORT_BLOCKS) return ok(layout);
    const message = `pool4 has ${layout.total} blocks of ${size} ports, at most ${MAX_PORT_BLOCKS} can be kept`;
    return err({ field: 'nat64.portBlocks.size', message });
  }

  rangeOf(block: number): BlockRange {
    let at = this.ranges.length - 1;
    while (this.ranges[at]!.base > block) at--;
    return this.ranges[at]!;
  }

  /** Block that holds this address and port, -1 for none. */
  at(address: number, port: number): number {
    for (const { first, addresses, lowPort, perAddress, base } of this.ranges) {
      if (address < first || address >= first + addresses || port < lowPort) continue;
      const inAddress = Math.floor((port - lowPort) / this.size);
      if (inAddress < perAddress) return base + (address - first) * perAddress + inAddress;
    }
    return -1;
  }

  addressOf(block: number): number {
    const { first, base, perAddress } = this.rangeOf(block);
    return first + Math.floor((block - base) / perAddress);
  }

  firstPort(block: number): number {
    const { lowPort, base, perAddress } = this.rangeOf(block);
    return lowPort + ((block - base) % perAddress) * this.size;
  }

  /** False for a block that is a subscriber's by calculation. */
  isDynamic(block: number): boolean {
    const { base, perAddress, ownPerAddress } = this.rangeOf(block);
    return (block - base) % perAddress >= ownPerAddress;
  }

  /** Block of the subscriber that the IPv6 address at `o` belongs to, by calculation; -1 outside the prefixes. */
  blockOf(b: Uint8Array, o: number): number {
    for (const { prefix, base } of this.calculated) {
      if (!holds(prefix, b, o)) continue;
      let rest = 0;
      for (let bit = prefix.length; bit < this.prefixBits; bit++) rest = rest * 2 + ((b[o + (bit >>> 3)]! >>> (7 - (bit & 7))) & 1);
      return this.numbered(base + rest);
    }
    return -1;
  }

  private numbered(n: number): number {
    let rest = n;
    for (const { addresses, perAddress, ownPerAddress, base } of this.ranges) {
      if (rest < addresses * ownPerAddress) return base + Math.floor(rest / ownPerAddress) * perAddress + (rest % ownPerAddress);
      rest -= addresses * ownPerAddress;
    }
    return -1;
  }

  /** The reverse of blockOf: the prefix of the subscriber whose block it is by calculation, undefined where it is nobody's. */
  subscriberOf(block: number): Uint8Array | undefined {
    if (this.isDynamic(block)) return undefined;
    const { base, perAddress, ownPerAddress } = this.rangeOf(block);
    let n = Math.floor((block - base) / perAddress) * ownPerAddress + ((block - base) % perAddress);
    for (const range of this.ranges) if (range.base < base) n += range.addresses * range.ownPerAddress;
    for (const each of this.calculated) {
      let rest = n - each.base;
      if (rest < 0 || rest >= 2 ** (this.prefixBits - each.prefix.length)) continue;
      const out = each.prefix.bytes.slice(0, 16);
      for (let bit = this.prefixBits - 1; bit >= each.prefix.length; bit--, rest = Math.floor(rest / 2)) {
        out[bit >>> 3] = out[bit >>> 3]! | ((rest % 2) << (7 - (bit & 7)));
      }
      return out;
    }
    return undefined;
  }
}

function ownBlocks(ranges: readonly BlockRange[]): number {
  return ranges.reduce((sum, { addresses, ownPerAddress }) => sum + addresses * ownPerAddress, 0);
}

function rangesOf({ portBlocks }: Nat64Spec, { pools }: PortPools): Result<BlockRange[], SettingsError> {
  const { mode, size, overflowBlocks } = portBlocks;
  const ranges: BlockRange[] = [];
  let base = 0;
  for (const [i, { first, addresses, lowPort, highPort }] of pools.entries()) {
    const perAddress = Math.floor((highPort - lowPort + 1) / size);
    if (perAddress === 0) return err({ field: `nat64.pool4.${i}.ports`, message: `fewer ports than a block of ${size} has` });
    const ownPerAddress = mode === 'deterministic' ? perAddress - overflowBlocks : 0;
    if (mode === 'deterministic' && ownPerAddress <= 0) {
      const message = `each address of pool4.${i} has ${perAddress} blocks of ${size} ports: none is left for subscribers by calculation`;
      return err({ field: 'nat64.portBlocks.overflowBlocks', message });
    }
    ranges.push({ first, addresses, lowPort, perAddress, ownPerAddress, base });
    base += addresses * perAddress;
  }
  return ok(ranges);
}

function holds(prefix: Prefix6, b: Uint8Array, o: number): boolean {
  for (let bit = 0; bit < prefix.length; bit += 8) {
    const mask = (0xff00 >>> Math.min(8, prefix.length - bit)) & 0xff;
    if ((b[o + (bit >>> 3)]! & mask) !== (prefix.bytes[bit >>> 3]! & mask)) return false;
  }
  return true;
}

/** Numbers the subscribers of the prefixes one after another; each gets the block of its number. */
function number(texts: readonly string[], prefixBits: number, blocks: number): Result<Calculated[], SettingsError> {
  const out: Calculated[] = [];
  let base = 0;
  if (texts.length === 0) {
    return err({ field: 'nat64.portBlocks.subscribers', message: 'deterministic blocks need the prefixes of the subscribers' });
  }
  for (const [i, text] of texts.entries()) {
    const field = `nat64.portBlocks.subscribers.${i}`;
    const prefix = parsePrefix6(text);
    if (!prefix.ok) return err({ field, message: prefix.error });
    if (prefix.value.length > prefixBits) {
      return err({ field, message: `${text} is longer than subscriberPrefix, ${prefixBits} bits: it is less than one subscriber` });
    }
    out.push({ prefix: prefix.value, base });
    base += 2 ** (prefixBits - prefix.value.length);
    if (base > blocks)
      return err({
        field,
        message: `pool4 has ${blocks} blocks for subscribers by calculation, and there are at least ${base} subscribers`,
      });
  }
  return ok(out);
}

/** What RFC 7422 section 3 wants written down, so that a mapping by calculation can be traced later: I, O, D, M, A and R of its section 2. */
export function layoutRecord({ pool4, portBlocks, subscriberPrefix }: Nat64Spec): object {
  const { subscribers, size, overflowBlocks, maxPerSubscriber } = portBlocks;
  return {
    inside: subscribers,
    subscriberPrefix,
    outside: pool4.map(({ prefix }) => prefix),
    blockPorts: size,
    overflowBlocks,
    maxPorts: size * (overflowBlocks === 0 ? 1 : maxPerSubscriber),
    algorithm: 'sequential',
    reserved: pool4.map(({ ports: [low, high] }) => [
      ...(low > 0 ? [`0-${low - 1}`] : []),
      ...(high < 65_535 ? [`${high + 1}-65535`] : []),
    ]),
  };
}
