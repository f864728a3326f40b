export { parseMulticast, multicastJsonSchema } from './scenario.ts';
export { MulticastWatch, type WatchedMessage } from './watch.ts';
export { MulticastLab, type MulticastChange } from './multicast-lab.ts';
