export * from './group-state.ts';
export * from './settings.ts';
export type { GroupView, MembershipHost } from './port-types.ts';
export * from './router-port.ts';
export * from './host-port.ts';
