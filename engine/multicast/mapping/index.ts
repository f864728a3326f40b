export * from './prefix-set.ts';
export * from './option-113.ts';
export * from './address-map.ts';
export * from './provisioning.ts';
export type { Provisioning } from './provisioned.ts';
