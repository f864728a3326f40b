import type { NetworkProfileInfo } from '../../contract/index.ts';
import { CAPABILITY_PROFILES } from '../../stack/index.ts';

/** The capability records that a scenario can name (B-02), for menus. */
export function networkProfiles(): NetworkProfileInfo[] {
  return Object.entries(CAPABILITY_PROFILES).map(([id, { title, capability }]) => ({ id, title, capability: { ...capability } }));
}
