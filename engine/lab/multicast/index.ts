export { parseMulticast, multicastJsonSchema } from './scenario.ts';
export { badMulticast, MulticastLab, type MulticastChange } from './multicast-lab.ts';
