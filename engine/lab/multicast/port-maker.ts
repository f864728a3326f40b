import { assertDefined } from '../../base/index.ts';
import type { PortSpec } from '../../contract/index.ts';
import type { MulticastPort } from './port.ts';

/**
 * The way from the pipeline to multicast ports. A plain replay, which starts in a moment, has neither schemas nor routers in it: whoever parses a
 * scenario brings them along, and no scenario with such a port comes from elsewhere.
 */
let make: ((ports: readonly PortSpec[], index: number) => MulticastPort) | undefined;

export function setPortMaker(maker: typeof make): void {
  make = maker;
}

/** The port at place `index` of a scenario's ports. */
export function makeMulticastPort(ports: readonly PortSpec[], index: number): MulticastPort {
  return assertDefined(make, 'a scenario with a multicast port was made by parseScenario')(ports, index);
}

/**
 * Detail bytes of packets that a multicast port forwarded or refused, beside the reasons of translators, which are smaller: so many copies, or the
 * place of a reason in MULTICAST_DROPS.
 */
export const FIRST_COPY_DETAIL = 128;
export const FIRST_REFUSAL_DETAIL = 192;
