/**
 * The page's policy forbids code made from text. zod tries it when the first schema is made, and the browser reports that; so this
 * module comes before every other.
 */
import { config } from 'zod';

config({ jitless: true });
