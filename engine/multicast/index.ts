/** IPv4/IPv6 multicast translation router: membership, PIM, mapping, path choice, forwarding, and networks of them on one clock. */
export * from './addresses.ts';
export * from './clock.ts';
export * from './mapping/index.ts';
export * from './messages/index.ts';
export * from './membership/index.ts';
export * from './pim/index.ts';
export * from './choice/index.ts';
export * from './forward/index.ts';
export * from './topology/index.ts';
export * from './network/index.ts';
