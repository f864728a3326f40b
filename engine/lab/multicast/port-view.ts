import type { ExplainCard } from '../../contract/index.ts';
import type { Pipeline } from '../pipeline.ts';
import { TranslatingWorld } from '../translate/world.ts';
import type { MulticastPort, MulticastStep } from './port.ts';

/** Multicast ports of a pipeline: at most one. */
export function multicastPortsOf(pipeline: Pipeline): readonly MulticastPort[] {
  return pipeline.worlds.flatMap((world) => (world instanceof TranslatingWorld ? world.routers : []));
}

type Line = ExplainCard['lines'][number];

const TITLES: Readonly<Record<MulticastStep['verdict'], string>> = {
  own: 'a packet of its own, not taken',
  malformed: 'not readable',
  membership: 'a message of group members',
  pim: 'a message of another router',
  provision: 'prefixes',
  forwarded: 'group data, forwarded',
  refused: 'group data, not forwarded',
  other: 'nothing for a multicast router',
};

/** Rows and copies told on one card. */
const MAX_LINES = 8;

/** What a multicast port did with a packet, and why. */
export function multicastCard({ port, place, verdict, iface, entry, refusal, rule, rows, copies }: MulticastStep): ExplainCard {
  const at = `ports.${String(place)}.multicast`;
  const lines: Line[] = [];
  if (iface !== '') {
    const because = 'the interface of the capture, or the network of its source or the route to it, or the first one';
    lines.push({ label: 'Came in on', value: iface, because, parameter: `${at}.interfaces` });
  }
  if (entry !== undefined) lines.push({ label: 'Entry', value: entry.key, because: entry.reason, parameter: `${at}.choice` });
  if (refusal !== '') lines.push({ label: 'Not forwarded', value: refusal, because: rule, parameter: `${at}.routes` });
  for (const { protocol, kind, source, group, text } of rows.slice(0, MAX_LINES)) {
    const key = group === '' ? '' : ` (${source === '' ? '*' : source}, ${group})`;
    lines.push({ label: `${protocol} ${kind}${key}`, value: text, ...(protocol === 'choice' && { parameter: `${at}.choice` }) });
  }
  if (rows.length > MAX_LINES) lines.push({ label: 'More', value: `${String(rows.length - MAX_LINES)} rows in the Multicast panel` });
  for (const { iface: to, family, control, bytes } of copies.slice(0, MAX_LINES)) {
    lines.push({ label: control ? 'Message' : 'Copy', value: `IPv${String(family)}, ${String(bytes.length)} bytes, to ${to}` });
  }
  if (copies.length > MAX_LINES) lines.push({ label: 'More', value: `${String(copies.length - MAX_LINES)} packets sent` });
  const tone = verdict === 'forwarded' ? 'translated' : refusal !== '' ? 'dropped' : 'neutral';
  return { title: `${port}: ${TITLES[verdict]}`, tone, lines };
}
