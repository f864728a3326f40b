/** Main file of the kernel of a plain replay: what its module exports. */
export { classify, group, walk } from './chunk-kernel.ts';
export { feed } from './queue-kernel.ts';
