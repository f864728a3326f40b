/** How a verdict looks: a shape that can be told without colour, a colour token, and the words beside it. */
import type { PacketRow, Verdict } from '../../../../engine/contract/index.ts';

export interface VerdictLook {
  readonly shape: string;
  /** Name of a colour token. */
  readonly colour: string;
  /** For screen readers and the inspector's chip. */
  readonly word: string;
}

export const VERDICT_LOOKS: Readonly<Record<Verdict, VerdictLook>> = {
  pending: { shape: '', colour: '--dim', word: 'not replayed yet' },
  delivered: { shape: '·', colour: '--muted', word: 'delivered' },
  dropped: { shape: '✕', colour: '--drop', word: 'dropped' },
  held: { shape: '◆', colour: '--held', word: 'held' },
  translated: { shape: '⇄', colour: '--translated', word: 'translated' },
  refused: { shape: '⊘', colour: '--drop', word: 'refused' },
  forwarded: { shape: '⇉', colour: '--translated', word: 'forwarded' },
  unreadable: { shape: '?', colour: '--held', word: 'unreadable' },
};

/** Token of an address' colour by IP version. */
export function addressColour(ipVersion: PacketRow['ipVersion']): string {
  return ipVersion === 4 ? 'var(--ipv4)' : ipVersion === 6 ? 'var(--ipv6)' : 'var(--muted)';
}
