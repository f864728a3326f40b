import type { DnsMessage } from '../wire/index.ts';
import type { Dns64 } from './dns64.ts';
import { REASON } from './reasons.ts';

/** What leaves in place of an answer, or `waits`: the answer to the A question is not there yet. Undefined: the answer leaves as it came. */
export type Dns64Decision = { readonly waits: true } | { readonly waits: false; readonly message: DnsMessage; readonly reason: number };

/** Decides on an answer to a question for AAAA; `a` is what is known of the name's A records (RFC 6147 sections 5.1.4, 5.1.6, 5.1.7). */
export function decideAaaa(rules: Dns64, answer: DnsMessage, a: DnsMessage | undefined): Dns64Decision | undefined {
  const step = rules.onAaaa(answer);
  if (step.action === 'answer' && step.message !== undefined) return { waits: false, message: step.message, reason: REASON.dnsFiltered };
  const asked = { ...answer, response: false };
  if (step.action !== 'ask-a' || rules.onQuery(asked).action === 'pass') return undefined;
  if (a === undefined) return { waits: true };
  const made = rules.onA(asked, answer, a);
  return made.action === 'answer' && made.message !== undefined
    ? { waits: false, message: made.message, reason: REASON.dnsSynthesized }
    : undefined;
}

/**
 * Decides on an answer to a question that the DNS64 answers itself: the alias of a synthetic address (section 5.3.1), and names of ipv4only.arpa (RFC 8880
 * section 7.1). What the resolver said gives way.
 */
export function decideOwn(rules: Dns64, answer: DnsMessage, reverse: (name: string) => DnsMessage | undefined): Dns64Decision | undefined {
  const { message, reason } = rules.onQuery({ ...answer, response: false }, reverse);
  if (message === undefined) return undefined;
  return { waits: false, message, reason: reason === REASON.dnsSpecial ? REASON.dnsSpecialReplaced : REASON.dnsAlias };
}
