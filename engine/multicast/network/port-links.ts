import type { Random } from '../../base/index.ts';
import type { MulticastLinkSpec } from '../../contract/index.ts';
import type { Family } from '../addresses.ts';
import type { EventClock } from '../clock.ts';
import type { ForwardSink } from '../forward/index.ts';
import { Link, type LinkEnd, type LinkNode } from './link.ts';

/** Everything that is on a link beyond the router: takes all and says nothing. */
export class Beyond implements LinkNode {
  readonly up = true;
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }

  speaks(): boolean {
    return true;
  }

  receive(): void {
    // What leaves the router leaves the model of its links.
  }
}

/** A link whose other side is the switch: what the router sends on it is handed over at once. */
export class PortLink extends Link {
  private readonly out: (packet: Uint8Array, at: number, length: number, family: Family, control: boolean) => void;

  constructor(spec: MulticastLinkSpec, index: number, clock: EventClock, random: Random, out: PortLink['out']) {
    super(spec.id ?? '', index, spec, clock, random);
    this.out = out;
  }

  override send(_from: LinkEnd, packet: Uint8Array, family: Family, control: boolean): void {
    if (control) this.counters.control++;
    this.count(packet.length, family);
    this.out(packet, 0, packet.length, family, control);
  }

  override sendCopy(_from: LinkEnd, { packets }: ForwardSink, p: number, family: Family): void {
    const { bytes, offset, length } = packets;
    this.count(length[p]!, family);
    this.out(bytes, offset[p]!, length[p]!, family, false);
  }

  private count(bytes: number, family: Family): void {
    const { counters } = this;
    if (family === 4) {
      counters.packets4++;
      counters.bytes4 += bytes;
    } else {
      counters.packets6++;
      counters.bytes6 += bytes;
    }
    counters.sent++;
    counters.taken++;
  }
}
