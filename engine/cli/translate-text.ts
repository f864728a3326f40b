import type { TranslationCount } from '../contract/index.ts';
import { count, table } from './format.ts';
import type { Output } from './output.ts';

/** What was said of packets, a line each. */
export function reasonLines(reasons: readonly TranslationCount[], { paint }: Output): string[] {
  return table(
    reasons.map(({ packets, verdict, text, rfc }) => [count(packets), verdict, text, paint.dim(rfc)]),
    [0],
  );
}
