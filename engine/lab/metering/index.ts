export { networkProfiles } from './profiles.ts';
