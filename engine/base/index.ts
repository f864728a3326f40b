export * from './result.ts';
export * from './assert.ts';
export * from './time.ts';
export * from './random.ts';
export * from './event-queue.ts';
export * from './bytes.ts';
export * from './disposable.ts';
export * from './sha256.ts';
