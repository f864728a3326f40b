import { DNS_TYPE, type DnsMessage } from '../wire/index.ts';
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

/** Decides on an answer to a question for PTR: the alias of a synthetic address takes its place (section 5.3.1). */
export function decidePtr(rules: Dns64, answer: DnsMessage, reverse: (name: string) => DnsMessage | undefined): Dns64Decision | undefined {
  if (answer.questions[0]?.type !== DNS_TYPE.PTR) return undefined;
  const { message } = rules.onQuery({ ...answer, response: false }, reverse);
  return message === undefined ? undefined : { waits: false, message: { ...message, authoritative: false }, reason: REASON.dnsReverse };
}
