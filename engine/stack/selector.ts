import type { Selector } from '../contract/index.ts';
import { parseIpv4U32, parseIpv6, ROW_A, ROW_B, ROW_PORTS, ROW_PROTOCOL } from '../wire/index.ts';

/** Selectors of a scenario, compiled to words. They are asked once for each flow, when its entry is made. */
const PROTOCOL_NUMBERS: Readonly<Record<string, number>> = {
  tcp: 6,
  udp: 17,
  icmp: 1,
  icmpv6: 58,
  igmp: 2,
  sctp: 132,
  esp: 50,
  gre: 47,
};

/** An address prefix as four words and masks; IPv4 uses the first word only. */
export class Prefix {
  readonly version: 4 | 6;
  readonly words = new Int32Array(4);
  readonly masks = new Int32Array(4);

  private constructor(version: 4 | 6, bits: number) {
    this.version = version;
    for (let i = 0; i < 4; i++) {
      const here = Math.min(32, Math.max(0, bits - 32 * i));
      this.masks[i] = here === 0 ? 0 : -1 << (32 - here);
    }
  }

  /** A prefix such as `192.0.2.0/24`, `2001:db8::/32` or one address; undefined for anything else. */
  static parse(text: string): Prefix | undefined {
    const slash = text.indexOf('/');
    const address = slash < 0 ? text : text.slice(0, slash);
    const v4 = parseIpv4U32(address);
    const v6 = v4 < 0 ? parseIpv6(address) : undefined;
    if (v4 < 0 && v6 === undefined) return undefined;
    const widest = v4 < 0 ? 128 : 32;
    const lengthText = slash < 0 ? String(widest) : text.slice(slash + 1);
    const bits = Number(lengthText);
    if (!/^\d{1,3}$/.test(lengthText) || bits > widest) return undefined;
    const prefix = new Prefix(v4 < 0 ? 6 : 4, bits);
    if (v6 === undefined) prefix.words[0] = v4;
    else for (let i = 0; i < 16; i++) prefix.words[i >>> 2]! |= v6[i]! << (24 - 8 * (i & 3));
    for (let i = 0; i < 4; i++) prefix.words[i]! &= prefix.masks[i]!;
    return prefix;
  }

  /** Whether the address at word `at` of a key of this IP version is inside. */
  has(words: Int32Array, at: number, version: number): boolean {
    if (version !== this.version) return false;
    for (let i = 0; i < 4; i++) if ((words[at + i]! & this.masks[i]!) !== this.words[i]) return false;
    return true;
  }
}

export class CompiledSelector {
  readonly text: string;
  private readonly ipVersion: number;
  private readonly protocol: number;
  private readonly port: number;
  private readonly sourcePort: number;
  private readonly destinationPort: number;
  private readonly either: Prefix | undefined;
  private readonly source: Prefix | undefined;
  private readonly destination: Prefix | undefined;

  constructor(selector: Selector) {
    this.text = selectorText(selector);
    this.ipVersion = selector.ipVersion ?? -1;
    this.protocol = typeof selector.protocol === 'string' ? (PROTOCOL_NUMBERS[selector.protocol] ?? -2) : (selector.protocol ?? -1);
    this.port = selector.port ?? -1;
    this.sourcePort = selector.sourcePort ?? -1;
    this.destinationPort = selector.destinationPort ?? -1;
    this.either = selector.prefix === undefined ? undefined : Prefix.parse(selector.prefix);
    this.source = selector.source === undefined ? undefined : Prefix.parse(selector.source);
    this.destination = selector.destination === undefined ? undefined : Prefix.parse(selector.destination);
  }

  /**
   * Whether a packet with the key at `at`, sent by side B if `fromB`, is selected. `carriedPorts` are source << 16 | destination
   * of a first fragment, whose key has none; 0 otherwise.
   */
  matches(words: Int32Array, at: number, fromB: boolean, carriedPorts: number): boolean {
    const version = (words[at + ROW_PROTOCOL]! >>> 8) & 0xff;
    if (this.ipVersion >= 0 && this.ipVersion !== version) return false;
    if (this.protocol !== -1 && this.protocol !== (words[at + ROW_PROTOCOL]! & 0xff)) return false;
    const keyPorts = words[at + ROW_PORTS]!;
    const sourcePort = carriedPorts !== 0 ? carriedPorts >>> 16 : fromB ? keyPorts & 0xffff : keyPorts >>> 16;
    const destinationPort = carriedPorts !== 0 ? carriedPorts & 0xffff : fromB ? keyPorts >>> 16 : keyPorts & 0xffff;
    if (this.port >= 0 && this.port !== sourcePort && this.port !== destinationPort) return false;
    if (this.sourcePort >= 0 && this.sourcePort !== sourcePort) return false;
    if (this.destinationPort >= 0 && this.destinationPort !== destinationPort) return false;
    const source = at + (fromB ? ROW_B : ROW_A);
    const destination = at + (fromB ? ROW_A : ROW_B);
    if (this.either !== undefined && !this.either.has(words, source, version) && !this.either.has(words, destination, version))
      return false;
    if (this.source !== undefined && !this.source.has(words, source, version)) return false;
    return this.destination === undefined || this.destination.has(words, destination, version);
  }
}

/** A selector in one line, such as `protocol tcp, port 443`. */
export function selectorText(selector: Selector): string {
  const parts: string[] = [];
  if (selector.ipVersion !== undefined) parts.push(`IPv${String(selector.ipVersion)}`);
  if (selector.protocol !== undefined) parts.push(`protocol ${String(selector.protocol)}`);
  if (selector.port !== undefined) parts.push(`port ${String(selector.port)}`);
  if (selector.sourcePort !== undefined) parts.push(`source port ${String(selector.sourcePort)}`);
  if (selector.destinationPort !== undefined) parts.push(`destination port ${String(selector.destinationPort)}`);
  if (selector.prefix !== undefined) parts.push(`address in ${selector.prefix}`);
  if (selector.source !== undefined) parts.push(`source in ${selector.source}`);
  if (selector.destination !== undefined) parts.push(`destination in ${selector.destination}`);
  return parts.length === 0 ? 'everything' : parts.join(', ');
}
