import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FieldNode } from '../../contract/index.ts';
import { openCaptureSync, RecordBatch } from '../../files/index.ts';
import { addressText, ipHead, parseGroupMessage, parsePim, type GroupMessage, type PimMessage } from '../../multicast/index.ts';
import { capture, capturesMissing, haveCaptures } from '../../testing/captures.ts';
import { readRawCapture } from '../../testing/raw-captures.ts';
import { dissectPacket, networkHeader } from '../../wire/index.ts';
import { CaptureListener } from './listener.ts';

/**
 * Real IGMP, MLD and PIM: what the engine reads of a message equals the text that tcpdump's own tests expect, and the membership at the end of
 * recordings of a kernel with pimd and smcroute is what that kernel's hosts had joined.
 */
if (!haveCaptures) console.warn(capturesMissing);

/** Seconds as tcpdump writes them: `1m45s`, `3m30s`, `45s`. */
function time(seconds: number): string {
  if (seconds === 0) return '0s';
  const parts: [number, string][] = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ];
  return parts
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n}${unit}`)
    .join('');
}

const masked = (group: string, bits: number): string => (bits === (group.includes(':') ? 128 : 32) ? group : `${group}/${bits}`);

/** Lines of a PIM message in tcpdump's words, without checksums and without the flags that this program does not use. */
function pimLines(message: PimMessage): string[] {
  switch (message.kind) {
    case 'hello': {
      const lines = ['Hello', `Hold Time Option (1), length 2, Value: ${time(message.holdtimeS)}`];
      const delay = message.lanPruneDelay;
      if (delay !== null) {
        const lan = `T-bit=${delay.tracking ? 1 : 0}, LAN delay ${delay.propagationMs}ms, Override interval ${delay.overrideMs}ms`;
        lines.push(`LAN Prune Delay Option (2), length 4, Value:`, lan);
      }
      if (message.generationId !== null)
        lines.push(`Generation ID Option (20), length 4, Value: 0x${message.generationId.toString(16).padStart(8, '0')}`);
      if (message.drPriority !== null) lines.push(`DR Priority Option (19), length 4, Value: ${message.drPriority}`);
      return lines;
    }
    case 'join-prune':
      return [
        `Join / Prune, upstream-neighbor: ${message.upstream}`,
        `${message.groups.length} group(s), holdtime: ${time(message.holdtimeS)}`,
        ...message.groups.flatMap(({ group, maskLength, joins, prunes }, g) => [
          `group #${g + 1}: ${masked(group, maskLength)}, joined sources: ${joins.length}, pruned sources: ${prunes.length}`,
          ...joins.map((each, i) => `joined source #${i + 1}: ${sourceText(each)}`),
          ...prunes.map((each, i) => `pruned source #${i + 1}: ${sourceText(each)}`),
        ]),
      ];
    case 'register':
      return [
        `Register, Flags [ ${message.border ? 'Border' : ''}${message.border && message.nullRegister ? ', ' : ''}${message.nullRegister ? 'Null' : ''}${!message.border && !message.nullRegister ? 'none' : ''} ]`,
      ];
    case 'register-stop':
      return [`Register Stop, group=${message.group} source=${message.source}`];
    case 'assert': {
      const rpt = message.rpt ? ' RPT' : '';
      return [`Assert, group=${message.group} src=${message.source}${rpt} pref=${message.preference} metric=${message.metric}`];
    }
    case 'bootstrap': {
      const groups = message.groups.map(({ group, maskLength, rps }, g) => {
        const list = rps.map((rp, i) => ` RP${i}=${rp.address},holdtime=${time(rp.holdtimeS)},prio=${rp.priority}`).join('');
        return ` (group${g}: ${masked(group, maskLength)} RPcnt=${rps.length} FRPcnt=${rps.length}${list})`;
      });
      return [
        `Bootstrap, tag=${message.fragmentTag.toString(16)} hashmlen=${message.hashMaskLength} BSRprio=${message.priority} BSR=${message.bsr}${groups.join('')}`,
      ];
    }
    case 'candidate-rp': {
      const groups = message.groups.map(({ group, maskLength }, g) => ` Group${g}=${masked(group, maskLength)}`).join('');
      return [
        `Candidate RP Advertisement, prefix-cnt=${message.groups.length} prio=${message.priority} holdtime=${time(message.holdtimeS)} RP=${message.rp}${groups}`,
      ];
    }
  }
}

function sourceText({ source, wildcard, rpt }: { source: string; wildcard: boolean; rpt: boolean }): string {
  const flags = `${wildcard ? 'W' : ''}${rpt ? 'R' : ''}`;
  return flags === '' ? source : `${source}(${flags})`;
}

/** tcpdump's lines of each packet, by its number, with what is not compared taken out. */
function expected(file: string): string[][] {
  const packets: string[][] = [];
  for (const line of readFileSync(capture(`tcpdump/tests/${file}`), 'utf8').split('\n')) {
    if (/^ *\d+ {2}\S/.test(line)) packets.push([]);
    const text = line
      .trim()
      .replace(/, cksum 0x[0-9a-f]+ \((correct|unverified)\)/, '')
      .replace(/^(Bootstrap|Candidate RP Advertisement|Register Stop|Assert) /, '$1, ')
      .replaceAll(/\(0x[0-9a-f]{2}\)/g, '')
      .replace(/\(S\)$/, '')
      .replace(/\(S([WR]+)\)$/, '($1)');
    const wanted =
      /^(Hello|Join \/ Prune|Register|Register Stop|Assert|Bootstrap|Candidate RP|Hold Time|LAN Prune|T-bit|Generation ID|DR Priority|\d+ group\(s\)|group #|joined source|pruned source)/;
    if (wanted.test(text)) packets.at(-1)?.push(text);
  }
  return packets;
}

function pimOf(file: string): (PimMessage | string | undefined)[] {
  return readRawCapture(capture(`tcpdump/tests/${file}`), 10_000).map(({ bytes, linkType }) => {
    const at = networkHeader(bytes, 0, bytes.length, linkType);
    const head = at < 0 ? undefined : ipHead(bytes, at, bytes.length - at);
    return head?.protocol === 103 ? parsePim(bytes, head.at, head.end, head.family, at + 8, at + 24) : undefined;
  });
}

describe.runIf(haveCaptures)('tcpdump', () => {
  it.each([
    ['PIM-SM_join_prune.pcap', 'pimv2_sm-v.out', 30],
    ['PIM-DM_pruning.pcap', 'pimv2_dm-v.out', 20],
    ['PIM_register_register-stop.pcap', 'pimv2_register-v.out', 2],
    ['PIMv2_bootstrap.pcap', 'pimv2_bootstrap-v.out', 8],
    ['PIMv2_hellos.pcap', 'pimv2_hellos-v.out', 6],
    ['pim-packet-assortment.pcap', 'pim-packet-assortment-vv.out', 180],
  ])('reads the same PIM messages in %s', (file, text, least) => {
    const lines = expected(text);
    const incorrect = new Set([...readFileSync(capture(`tcpdump/tests/${text}`), 'utf8').matchAll(/^ *(\d+) {2}\S[^]*?(?=^ *\d+ {2}|$(?![^]))/gm)].filter((m) => m[0].includes('(incorrect)')).map((m) => Number(m[1]))); // prettier-ignore
    let compared = 0;
    for (const [i, message] of pimOf(file).entries()) {
      // Types that are not of sparse mode (graft, election of designated forwarders) are refused by the router; elections are compared below.
      if (message === undefined || message === 'type') continue;
      if (typeof message === 'string') {
        expect([message, incorrect.has(i + 1)], `packet ${i + 1}`).toEqual(['checksum', true]);
        continue;
      }
      // tcpdump prints Hello options in the order of the message, and the LAN prune delay on two lines.
      const sort = (each: string[]): string[] => (message.kind === 'hello' ? [...each].sort() : each);
      expect(sort(pimLines(message)), `packet ${i + 1} of ${file}`).toEqual(sort(lines[i] ?? []));
      compared++;
    }
    expect(compared).toBeGreaterThanOrEqual(least);
  });

  it('reads the same elections of designated forwarders', () => {
    const text = readFileSync(capture('tcpdump/tests/pim-packet-assortment-v.out'), 'utf8');
    const wanted = [...text.matchAll(/^\tDF Election.*\n((?:\t {2}.*\n)+)/gm)].map(([, lines]) => lines!.trim().split(/\n\s*/));
    const read = readRawCapture(capture('tcpdump/tests/pim-packet-assortment.pcap'), 10_000).flatMap(({ bytes, linkType }) => {
      const fields = flat(dissectPacket(bytes, linkType, bytes.length, bytes.length, { number: 1 }).layers);
      return fields('pim.df_elect.subtype').length === 0 ? [] : [electionLines(fields)];
    });
    expect(wanted.length).toBeGreaterThan(40);
    expect(read).toEqual(wanted);
  });

  it.each([
    ['IGMP_V1.pcap', 'igmpv1.out'],
    ['IGMP_V2.pcap', 'igmpv2.out'],
    ['igmpv3-queries.pcap', 'igmpv3-queries.out'],
  ])('reads the same IGMP messages in %s', (file, text) => {
    const lines = readFileSync(capture(`tcpdump/tests/${text}`), 'utf8')
      .trimEnd()
      .split('\n');
    const words = readRawCapture(capture(`tcpdump/tests/${file}`), 10_000).map(({ bytes, linkType }) => {
      const at = networkHeader(bytes, 0, bytes.length, linkType);
      const head = ipHead(bytes, at, bytes.length - at)!;
      const message = parseGroupMessage(bytes, head.at, head.end, 4);
      if (typeof message === 'string') throw new Error(message);
      return `${addressText(bytes, at + 12, 4)} > ${addressText(bytes, at + 16, 4)}: ${igmpText(message)}`;
    });
    expect(words).toEqual(lines.map((line) => line.replace(/^.* IP /, '')));
  });

  it.each([
    ['icmpv6.pcap', 'icmpv6.out', 3],
    ['dcb_ets.pcap', 'dcb_ets.out', 10],
  ])('reads the same MLD messages in %s', (file, out, least) => {
    const text = readFileSync(capture(`tcpdump/tests/${out}`), 'utf8');
    const wanted = text.split('\n').flatMap((line) => {
      const found = /^.*payload length \d+\) (\S+) > (\S+): .*ICMP6, (multicast listener .*)$/.exec(line);
      return found === null ? [] : [`${found[1]} > ${found[2]}: ${found[3]!.trim()}`];
    });
    const words = readRawCapture(capture(`tcpdump/tests/${file}`), 1_000).flatMap(({ bytes, linkType }) => {
      const at = networkHeader(bytes, 0, bytes.length, linkType);
      const head = at < 0 ? undefined : ipHead(bytes, at, bytes.length - at);
      if (head?.family !== 6) return [];
      const message = parseGroupMessage(bytes, head.at, head.end, 6, at + 8, at + 24);
      if (typeof message === 'string') return [];
      return [`${addressText(bytes, at + 8, 6)} > ${addressText(bytes, at + 24, 6)}: ${mldText(message)}`];
    });
    expect(wanted.length).toBeGreaterThanOrEqual(least);
    expect(words).toEqual(wanted);
  });

  it.each([
    ['mrinfo_query.pcap', 'dvmrp.out', dvmrpText],
    ['mtrace.pcap', 'mtrace.out', mtraceText],
  ] as const)('reads the same DVMRP or traceroute messages in %s', (file, out, words) => {
    const wanted = readFileSync(capture(`tcpdump/tests/${out}`), 'utf8').trimEnd().split('\n').map((line) => line.replace(/^.* IP /, '')); // prettier-ignore
    const read = readRawCapture(capture(`tcpdump/tests/${file}`), 100).map(({ bytes, linkType }) => {
      const fields = flat(dissectPacket(bytes, linkType, bytes.length, bytes.length, { number: 1 }).layers);
      return `${fields('ip.src')[0]!} > ${fields('ip.dst')[0]!}: ${words(fields)}`;
    });
    expect(read).toEqual(wanted);
  });
});

type Fields = (name: string) => string[];

/** Values of a packet's fields by name, in the order of the packet. */
function flat(tree: readonly FieldNode[]): Fields {
  const values = new Map<string, string[]>();
  const walk = (nodes: readonly FieldNode[]): void => {
    for (const { name, value, children } of nodes) {
      values.set(name, [...(values.get(name) ?? []), value]);
      walk(children ?? []);
    }
  };
  walk(tree);
  return (name) => values.get(name) ?? [];
}

/** As tcpdump writes an election (RFC 5015 section 3.7). */
function electionLines(fields: Fields): string[] {
  const at = (name: string): string => (fields(`pim.${name}`)[0] ?? fields(`pim.${name}_ip6`)[0])!;
  const subtype = at('df_elect.subtype').replace(/ .*$/, '');
  const lines = [`${subtype}, rpa=${at('rp')} sender pref=${at('metric_pref')} sender metric=${at('metric')}`];
  const second = { Backoff: ['offer', 'bidir_offering'], Pass: ['new winner', 'bidir_winner'] }[subtype];
  if (second === undefined) return lines;
  const [who, address] = second as [string, string];
  const interval = subtype === 'Backoff' ? ` interval ${at('bidir_offering_interval')}ms` : '';
  const metrics = `${who} pref=${at('bidir_off_metric_pref')} ${who} metric=${at('bidir_off_metric')}`;
  return [...lines, `${who} addr=${at(address)} ${metrics}${interval}`];
}

function dvmrpText(fields: Fields): string {
  const code = fields('dvmrp.v3.code')[0]!;
  if (!code.startsWith('Neighbors 2')) return 'igmp dvmrp Ask-neighbors2';
  const [major, minor] = [fields('dvmrp.maj_ver')[0]!, fields('dvmrp.min_ver')[0]!];
  const interfaces = fields('dvmrp.local').map((local, i) => {
    const marks = ['tunnel', 'srcroute', 'querier', 'disabled', 'down'].filter((flag) => fields(`dvmrp.flag.${flag}`)[i] === 'Set');
    const figures = [fields('dvmrp.metric')[i]!, fields('dvmrp.threshold')[i]!, ...marks].join('/');
    return ` [${local} -> ${fields('dvmrp.neighbor')[i]!} (${figures})]`;
  });
  return `igmp dvmrp Neighbors2 (v ${major}.${minor}):${interfaces.join('')}`;
}

function mtraceText(fields: Fields): string {
  const at = (name: string): string => fields(`igmp.mtrace.${name}`)[0]!;
  return `mtrace ${at('q_id')}: ${at('saddr')} to ${at('raddr')} reply-to ${at('rspaddr')}`;
}

function igmpText(message: GroupMessage): string {
  if (message.kind === 'leave') return `igmp leave ${message.group}`;
  if (message.kind === 'report') return `igmp v${message.version} report ${message.records[0]!.group}`;
  // tcpdump tells the response time, of version 2 in tenths of a second, where it is not the standard 10 s.
  const { version, maxResponseMs } = message;
  const shown =
    version === 3 ? (maxResponseMs < 60_000 ? `${(maxResponseMs / 1000).toFixed(1)}s` : time(maxResponseMs / 1000)) : maxResponseMs / 100;
  const response = version > 1 && maxResponseMs !== 10_000 ? ` [max resp time ${shown}]` : '';
  return `igmp query v${message.version}${response}${message.group === '' ? '' : ` [gaddr ${message.group}]`}`;
}

const RECORD_WORDS = ['', 'is_in', 'is_ex', 'to_in', 'to_ex', 'allow', 'block'];

function mldText(message: GroupMessage): string {
  if (message.kind === 'report' && message.version === 3) {
    const records = message.records.map(
      ({ type, group, sources }) => ` [gaddr ${group} ${RECORD_WORDS[type]} { ${sources.map((s) => `${s} `).join('')}}]`,
    );
    return `multicast listener report v2, ${message.records.length} group record(s)${records.join('')}`;
  }
  if (message.kind === 'query')
    return `multicast listener query v2 [max resp delay=${message.maxResponseMs}] [gaddr ${message.group || '::'} robustness=${message.robustness} qqi=${message.intervalS}]`;
  return message.kind;
}

/** Runs a whole capture past the membership machines. */
function watched(file: string): CaptureListener {
  const opened = openCaptureSync(capture(file));
  if (!opened.ok) throw opened.error;
  const watch = new CaptureListener();
  const batch = new RecordBatch();
  while (opened.value.source.nextBatch(batch)) {
    for (let row = 0; row < batch.count; row++) watch.feed(batch, row);
  }
  opened.value.close();
  return watch;
}

const shown = (watch: CaptureListener): string[] =>
  watch.router
    .state()
    .memberships.map(({ group, mode, sources, protocol, querier }) => `${group} ${mode} {${sources.join(', ')}} ${protocol} ${querier}`);

describe.runIf(haveCaptures)('recordings of a kernel', () => {
  it('with pimd end in the membership the kernel reported last', () => {
    const watch = watched('peer-recordings/kernel-pimd-igmp-hostside.pcap');
    // Joined by version 3 and never left; joined by version 1; 232.1.1.1 and 239.2.2.2 were left, and so were all IPv6 groups.
    expect(shown(watch).sort()).toEqual([
      '239.1.1.1 exclude {} IGMPv3 10.1.0.1',
      '239.1.1.2 exclude {10.2.0.9} IGMPv3 10.1.0.1',
      '239.3.3.3 exclude {} IGMPv1 10.1.0.1',
    ]);
    // The first query has a checksum that tshark calls incorrect too.
    expect([watch.router.router.counters.badMessages, watch.router.counters.malformed]).toEqual([1, 1]);
    expect(watch.router.counters.pim).toBeGreaterThan(5);
  });

  it('with pimd on the side of the source has no receivers, only its own group of routers, and two senders', () => {
    const watch = watched('peer-recordings/kernel-pimd-srcside.pcap');
    expect(shown(watch)).toEqual(['ff05::2 exclude {} MLDv2 ']);
    expect(watch.router.counters.refused).toBeGreaterThan(100);
    expect(watch.router.router.counters.badMessages).toBe(0);
  });

  it('with smcroute end in one group of each family and the group of routers', () => {
    const watch = watched('peer-recordings/smcroute-both.pcap');
    // ff05::2 is what a kernel that forwards IPv6 joins for itself.
    expect(shown(watch)).toEqual(['239.1.1.1 exclude {} IGMPv3 ', 'ff3e::1:1 exclude {} MLDv2 ', 'ff05::2 exclude {} MLDv2 ']);
  });
});
