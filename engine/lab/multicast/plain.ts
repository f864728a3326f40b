/** What the pipeline needs to know of multicast ports: no schemas and no router. */
export { FIRST_COPY_DETAIL, makeMulticastPort } from './port-maker.ts';
export type { MulticastPort, MulticastStep } from './port.ts';
