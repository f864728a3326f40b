import { NS_PER_MS } from '../../base/index.ts';
import type { Call } from './call.ts';
import type { Lab } from './lab.ts';
import type { Family, Node } from './node.ts';
import { answerPacket, queryPacket } from './query-packets.ts';
import type { Announcement } from './registry.ts';

/** Answers to a multicast query that silence the rest. */
const ENOUGH_ANSWERS = 8;

/** Who could convert, as far as the switch knows, and how many are no candidates for which reason. */
export interface Found {
  readonly announcements: readonly Announcement[];
  readonly apart: Record<string, number>;
}

interface Answer {
  readonly node: Node;
  /** By which it heard the query, and answers. */
  readonly family: Family;
  /** When it would answer. */
  readonly atNs: number;
}

/** Looks for converters: the directory, or a query to all terminals (T-02). */
export function discover(lab: Lab, call: Call, then: (found: Found) => void): void {
  if (lab.spec.switch.discovery === 'multicast') {
    query(lab, call, then);
    return;
  }
  const announcements = lab.registry.current(lab.nowNs);
  const { notEnabled } = lab.registry;
  then({ announcements, apart: notEnabled === 0 ? {} : { 'not configured to convert now': notEnabled } });
}

/**
 * Asks all terminals at once in both families (T-02), by multicast DNS. A terminal that hears it, by whichever family came first, waits a random time, longer the
 * busier it is, and says nothing where it has heard enough others answer by then. One that is not enabled or has no room never answers (T-03).
 */
function query(lab: Lab, call: Call, then: (found: Found) => void): void {
  const { sw } = call;
  const windowNs = lab.spec.switch.queryMs * NS_PER_MS;
  const startNs = lab.nowNs;
  for (const family of [4, 6] as const) {
    lab.log(sw, sw, 'QUERY', call.id, `to all terminals by IPv${String(family)}: who can convert for call ${String(call.id)}?`);
    lab.record(sw, family, () => queryPacket(sw, family));
  }
  const willing = lab.nodes.terminals.flatMap((node): Answer[] => {
    const { converter } = node;
    if (converter === null || !converter.enabled || converter.draining || !node.canConvert) return [];
    const room = converter.capacity(node.inOwnCall);
    if (converter.relay.sessions >= room) return [];
    const { family, heardNs } = hear(lab, sw, node);
    const waitNs = lab.random.float() * (windowNs / 4) * (0.5 + converter.relay.sessions / converter.spec.capacity / 2);
    return heardNs === Infinity ? [] : [{ node, family, atNs: startNs + heardNs + waitNs }];
  });
  willing.sort((a, b) => a.atNs - b.atNs || a.node.index - b.node.index);
  const said: Answer[] = [];
  for (const answer of willing) if (heardBefore(lab, said, answer) < ENOUGH_ANSWERS) said.push(answer);
  const announcements: Announcement[] = [];
  for (const { node, family, atNs } of said) {
    lab.at(atNs, () => {
      const announcement = node.announcement();
      if (announcement?.enabled !== true || announcement.inUse >= announcement.capacity) return;
      const packet = (): Uint8Array => answerPacket(node, family, announcement);
      lab.record(node, family, packet);
      lab.signal(node, sw, 'CAN CONVERT', call, `${String(announcement.inUse)} of ${String(announcement.capacity)} in use`, () => {
        lab.record(sw, family, packet);
        if (lab.nowNs <= startNs + windowNs) announcements.push(announcement);
      });
    });
  }
  lab.after(windowNs, () => {
    announcements.sort((a, b) => a.node - b.node);
    const silenced = willing.length - said.length;
    const late = said.length - announcements.length;
    then({
      announcements,
      apart: {
        ...(silenced > 0 && { 'silenced by the answers of others': silenced }),
        ...(late > 0 && { 'no answer in time': late }),
      },
    });
  });
}

/** Time until the first copy of the query that the network does not lose is there, and its family. A copy is not sent again. */
function hear(lab: Lab, from: Node, to: Node): { readonly family: Family; readonly heardNs: number } {
  let first: { readonly family: Family; readonly heardNs: number } = { family: 4, heardNs: Infinity };
  for (const family of [4, 6] as const satisfies readonly Family[]) {
    const [a, b] = [from.link(family), to.link(family)];
    if (a === null || b?.up !== true) continue;
    const lost = b.spec.lossPercent > 0 && lab.random.float() * 100 < b.spec.lossPercent;
    if (lost) continue;
    const heardNs = a.delayNs + b.delayNs;
    if (heardNs < first.heardNs) first = { family, heardNs };
    if (lab.recorder !== null) {
      lab.after(heardNs, () => {
        lab.record(to, family, () => queryPacket(from, family));
      });
    }
  }
  return first;
}

/** Answers that a terminal has heard when it is about to answer. */
function heardBefore(lab: Lab, said: readonly Answer[], { node, atNs }: Answer): number {
  let heard = 0;
  for (const other of said) if (other.atNs + lab.oneWayNs(other.node, node) <= atNs) heard++;
  return heard;
}
