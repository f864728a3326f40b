export * from './class-queues.ts';
export * from './control.ts';
export * from './held-back.ts';
export * from './model.ts';
export * from './records.ts';
export * from './arena-view.ts';
export * from './view.ts';
