import { u32 } from '../base/index.ts';
import type { Nat64Spec } from '../contract/index.ts';
import type { BindingTable } from './bindings.ts';
import type { PortBlocks } from './port-blocks.ts';
import type { PortPools } from './port-pools.ts';
import { REASON } from './reasons.ts';
import { RestingPorts } from './resting-ports.ts';

/** Where new bindings get their IPv4 address and port, one by one or from blocks, and where these go when the binding ends. */
export class OutsidePorts {
  /** The last choice. */
  address4 = 0;
  port4 = 0;
  readonly pools: PortPools;
  readonly blocks: PortBlocks | undefined;
  /** Ports that are free and not given yet, where ports are given one by one. */
  readonly resting: RestingPorts;
  private readonly host = new Uint8Array(16);

  constructor(spec: Nat64Spec, pools: PortPools, blocks: PortBlocks | undefined) {
    this.pools = pools;
    this.blocks = blocks;
    this.resting = new RestingPorts(spec.portRest.maxPorts, spec.portRest.seconds * 1e9, spec.subscriberPrefix);
  }

  /** The address whose ports ran out at the last refusal; -1 where no address had one. */
  get full4(): number {
    return this.blocks === undefined ? this.pools.full4 : -1;
  }

  /** An IPv4 address and port for a new binding of the host at `o`. Returns a reason, 0 for fine. */
  choose(bindings: BindingTable, protocol: number, b: Uint8Array, o: number, port: number, nowNs: number): number {
    const { pools, blocks, resting } = this;
    if (blocks !== undefined) {
      const code = blocks.allocate(bindings, protocol, b, o, port, nowNs);
      this.address4 = blocks.address4;
      this.port4 = blocks.port4;
      return code;
    }
    resting.expire(nowNs);
    const subscriber = resting.count > 0 ? resting.subscriber((i) => u32(b, o + 4 * i)) : 0;
    if (!pools.allocate(bindings, resting, subscriber, protocol, b, o, port, nowNs)) {
      return pools.passedResting ? REASON.portsResting : REASON.addressUnreachable;
    }
    this.address4 = pools.address4;
    this.port4 = pools.port4;
    return 0;
  }

  /** The binding ended at `endNs`: its external port goes back to its block, or to rest. */
  release(bindings: BindingTable, binding: number, endNs: number, nowNs: number): void {
    const { blocks, resting, host } = this;
    const protocol = bindings.protocol(binding);
    const address = bindings.address4(binding);
    const port = bindings.port4(binding);
    if (blocks !== undefined) {
      blocks.release(protocol, address, port, endNs, nowNs);
      return;
    }
    bindings.write6(binding, host, 0);
    this.pools.released(host, 0);
    resting.add(protocol, address, port, resting.subscriber((i) => bindings.word6(binding, i)), endNs); // prettier-ignore
  }
}
