export * from './host.ts';
export * from './settings.ts';
export * from './tree.ts';
export * from './rendezvous.ts';
export * from './router.ts';
export { betterAssert } from './asserts.ts';
