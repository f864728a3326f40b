export * from './group-messages.ts';
export * from './pim-messages.ts';
export * from './pim-codec.ts';
export * from './packets.ts';
