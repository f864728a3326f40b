import type { LimitHit } from '../contract/index.ts';
import type { Translator } from './create.ts';
import { DiscoveringClat, MAX_PROVIDER_PREFIXES } from './discovering-clat.ts';
import { Dns64Packets, MAX_HELD_ANSWERS } from './dns64-packets.ts';
import { MAX_DNS_CONNECTIONS } from './dns64-streams.ts';
import { Mapt } from './mapt.ts';
import { Nat64 } from './nat64.ts';
import { MAX_RATED_SUBSCRIBERS } from './subscriber-limits.ts';

/** What a translator gave up, let go early or forgot because a table or a time was used up, and that no reason of a packet tells. */
export function limitsHit(translator: Translator): LimitHit[] {
  return rowsOf(translator)
    .filter(([, , count]) => count > 0)
    .map(([id, text, count]) => ({ id, text, count }));
}

type Row = readonly [id: string, text: string, count: number];

function rowsOf(translator: Translator): Row[] {
  if (translator instanceof Nat64) return ofNat64(translator);
  if (translator instanceof Mapt) return [['fragmentsGivenUp', 'held fragments given up: the first one of their packet never came, or there was no room', translator.lostFragments]]; // prettier-ignore
  if (translator instanceof DiscoveringClat) {
    const text = `provider prefixes not taken: at most ${MAX_PROVIDER_PREFIXES} are known at once`;
    return [['prefixesIgnored', text, translator.ignoredPrefixes]];
  }
  if (!(translator instanceof Dns64Packets)) return [];
  const { streams } = translator;
  const late = `held answers left as they came: no A answer came in time, or more than ${MAX_HELD_ANSWERS} waited`;
  return [
    ['answersLate', late, translator.lostAnswers + streams.late],
    ['answersLost', 'held answers lost: the output was full', translator.lostPackets],
    ['dnsConnectionsForgotten', `connections of DNS over TCP forgotten: ${MAX_DNS_CONNECTIONS} are remembered`, streams.forgotten],
    ['dnsConnectionsLeft', 'connections of DNS over TCP left as they came: a segment was missing for too long', streams.givenUp],
  ];
}

function ofNat64({ mapper, ftp, lostFragments, lostSyns }: Nat64): Row[] {
  const { blocks, limits } = mapper;
  const { resting } = mapper.ports;
  return [
    ['fragmentsGivenUp', 'held fragments given up: the first one of their packet never came, or there was no room', lostFragments],
    ['synsGivenUp', 'SYNs from outside given up: none came from inside in time, or there was no room', lostSyns],
    ['portRestCut', 'freed ports given again before their rest was over: portRest.maxPorts rested already', resting.cutShort],
    ['blockRestCut', 'freed port blocks given again before their rest was over: portRest.maxPorts rested already', blocks?.cutShort ?? 0],
    ['blocksExhausted', 'times that no port block was left for a subscriber', blocks?.exhausted ?? 0],
    ['ratesForgotten', `subscribers whose rate was forgotten: ${MAX_RATED_SUBSCRIBERS} are remembered`, limits?.forgotten ?? 0],
    ['ftpClosed', 'FTP control connections reset: the server refused a NOOP of the gateway', ftp?.alg.closed ?? 0],
    ['ftpForgotten', 'FTP control connections forgotten: ftpAlg.maxConnections are remembered', ftp?.alg.forgotten ?? 0],
  ];
}
