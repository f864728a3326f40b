export * from './table.ts';
export * from './group-mapper.ts';
export * from './counts.ts';
export * from './sink.ts';
export * from './forwarder.ts';
export * from './drop-texts.ts';
