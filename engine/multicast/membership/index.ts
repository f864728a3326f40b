export * from './group-state.ts';
export * from './settings.ts';
export * from './router-port.ts';
export * from './host-port.ts';
