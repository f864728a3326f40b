import { addressText, isMulticast, type Family } from '../addresses.ts';
import { RECORD, type GroupMessage, type PimMessage } from '../messages/index.ts';
import type { LogFields } from './recorder.ts';
import type { RouterNode } from './router-node.ts';

type Common = Pick<LogFields, 'router' | 'link' | 'direction'>;

/** Rows of a message a router sent or received: one for each join, prune and record in it. */
export function noteMessage(
  router: RouterNode,
  iface: number,
  message: PimMessage | GroupMessage,
  direction: 'sent' | 'received',
  from = '',
  family?: Family,
): void {
  if (!router.world.recorder.logging && (direction === 'received' || message.kind !== 'join-prune')) return;
  const link = iface < 0 ? '' : router.interfaces[iface]!.link.id;
  const common: Common = { router: router.id, link, direction };
  if (family !== undefined) noteGroupMessage(router, common, message as GroupMessage, from, family);
  else notePim(router, common, message as PimMessage, from);
}

function notePim(router: RouterNode, common: Common, message: PimMessage, from: string): void {
  const { recorder } = router.world;
  const row = (kind: string, source: string, group: string, text: string): void => {
    recorder.add({ ...common, protocol: 'PIM', kind, source, group, text });
  };
  switch (message.kind) {
    case 'join-prune':
      for (const { group, joins, prunes } of message.groups) {
        for (const [list, kind] of [
          [joins, 'join'],
          [prunes, 'prune'],
        ] as const) {
          for (const { source, wildcard, rpt } of list) {
            if (common.direction === 'sent') recorder.count(kind === 'join' ? 'joins' : 'prunes');
            const to = `to ${message.upstream}${wildcard ? ` for RP ${source}` : rpt ? ' on the shared tree' : ''}`;
            row(...taken(kind, wildcard ? '' : source, group, to));
          }
        }
      }
      return;
    case 'register':
      if (common.direction === 'sent' || message.nullRegister) {
        const { source, group } = endsOf(message.packet);
        row(message.nullRegister ? 'null-register' : 'register', source, group, `${message.packet.length} bytes inside`);
      }
      return;
    case 'register-stop':
      row('register-stop', message.source, message.group, '');
      return;
    case 'assert':
      row('assert', message.rpt ? '' : message.source, message.group, `preference ${message.preference}, metric ${message.metric}`);
      return;
    case 'bootstrap':
      if (common.direction === 'received')
        row('bootstrap', '', '', `from ${message.bsr}: ${message.groups.flatMap((g) => g.rps.map((rp) => rp.address)).join(', ')}`);
      return;
    case 'candidate-rp':
      row('candidate-rp', '', '', message.rp);
      return;
    case 'hello':
      // Once in half a minute from everybody: they fill a log and say nothing; neighbours that come and go are told.
      return;
  }
  void from;
}

/** A row of a join, prune or record; one about an address that is no group is refused, and says what it was. */
function taken(kind: string, source: string, group: string, text: string): [kind: string, source: string, group: string, text: string] {
  return isMulticast(group) ? [kind, source, group, text] : ['refused', '', '', `${kind} of ${group}, which is no group; ${text}`];
}

/** Source and group of the packet inside a register, empty where it is too short to have them. */
function endsOf(packet: Uint8Array): { readonly source: string; readonly group: string } {
  const family = (packet[0] ?? 0) >> 4;
  if (family === 4 && packet.length >= 20) return { source: addressText(packet, 12, 4), group: addressText(packet, 16, 4) };
  if (family === 6 && packet.length >= 40) return { source: addressText(packet, 8, 6), group: addressText(packet, 24, 6) };
  return { source: '', group: '' };
}

const RECORD_WORDS: Readonly<Record<number, string>> = {
  [RECORD.isInclude]: 'is include',
  [RECORD.isExclude]: 'is exclude',
  [RECORD.toInclude]: 'to include',
  [RECORD.toExclude]: 'to exclude',
  [RECORD.allow]: 'allow',
  [RECORD.block]: 'block',
};

function noteGroupMessage(router: RouterNode, common: Common, message: GroupMessage, from: string, family: Family): void {
  const { recorder } = router.world;
  const protocol = family === 4 ? `IGMPv${message.version}` : `MLDv${message.version - 1}`;
  if (message.kind === 'leave') {
    recorder.add({ ...common, protocol, kind: 'leave', source: '', group: message.group, text: `from ${from}` });
  } else if (message.kind === 'report') {
    for (const { type, group, sources } of message.records) {
      const leaves = (type === RECORD.toInclude && sources.length === 0) || type === RECORD.block;
      const text = `${RECORD_WORDS[type] ?? ''} {${sources.join(', ')}} from ${from}`;
      const [kind, source, about, words] = taken(leaves ? 'leave' : 'report', sources.length === 1 ? sources[0]! : '', group, text);
      recorder.add({ ...common, protocol, kind, source, group: about, text: words });
    }
  } else if (message.group !== '') {
    recorder.add({ ...common, protocol, kind: 'query', source: '', group: message.group, text: `from ${from}` });
  }
}
