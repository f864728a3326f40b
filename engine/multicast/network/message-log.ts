import type { Family } from '../addresses.ts';
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
            row(
              kind,
              wildcard ? '' : source,
              group,
              `to ${message.upstream}${wildcard ? ` for RP ${source}` : rpt ? ' on the shared tree' : ''}`,
            );
          }
        }
      }
      return;
    case 'register':
      if (common.direction === 'sent')
        row(message.nullRegister ? 'null-register' : 'register', '', '', `${message.packet.length} bytes inside`);
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
      recorder.add({
        ...common,
        protocol,
        kind: leaves ? 'leave' : 'report',
        source: sources.length === 1 ? sources[0]! : '',
        group,
        text,
      });
    }
  } else if (message.group !== '') {
    recorder.add({ ...common, protocol, kind: 'query', source: '', group: message.group, text: `from ${from}` });
  }
}
