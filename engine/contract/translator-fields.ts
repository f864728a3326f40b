import { z } from 'zod';

/** Fields that several parts of a translator's configuration share. */

/** A prefix or an address as text; the translator refuses what does not parse and says which field it was. */
export const address = (what: string) => z.string().min(2).max(64).describe(what);

/** A time of at most a week, s. */
export const seconds = (fallback: number, least: number) => z.number().min(least).max(604_800).default(fallback);
