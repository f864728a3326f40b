import { NS_PER_S, Random } from '../../../base/index.ts';
import { multicastTimersSchema } from '../../../contract/index.ts';
import { EventClock } from '../../clock.ts';
import type { PimHello, PimMessage, PimSource } from '../../messages/index.ts';
import { pimSettings, PimRouter, type PimHost, type PimNote, type PimOptions, type PimRoute } from '../index.ts';

/** One router with three interfaces; the source and the rendezvous point are behind interface 0, over 10.0.0.1. */
export const S = '192.0.2.33';
export const SSM = '232.1.2.3';
export const ASM = '233.252.0.1';
export const RP = '10.255.0.9';
export const UP = '10.0.0.1';
const ALL = '224.0.0.13';

export interface Sent {
  readonly iface: number;
  readonly message: PimMessage;
  readonly tNs: number;
}

/** What a test may change while the router runs. */
export interface RigWorld {
  /** Interfaces with receivers of any source, of the source, of any but the source. */
  any: number;
  source: number;
  exclude: number;
  /** Routes by address. */
  readonly routes: Map<string, PimRoute>;
  readonly own: Set<string>;
}

export interface Rig {
  readonly pim: PimRouter;
  readonly clock: EventClock;
  readonly world: RigWorld;
  readonly sent: Sent[];
  readonly unicasts: { readonly message: PimMessage; readonly destination: string }[];
  readonly decapsulated: string[];
  readonly notes: PimNote[];
  hello(iface: number, from: string, change?: Partial<PimHello>): void;
  jp(iface: number, from: string, joins: PimSource[], prunes: PimSource[], group?: string, upstream?: string): void;
  assert(iface: number, from: string, change?: Partial<Extract<PimMessage, { kind: 'assert' }>>): void;
  /** Joins, prunes and asserts sent since, as `iface join source`. */
  said(): string[];
  /** Runs for some seconds; neighbours stay alive on the way. */
  run(seconds: number): void;
}

export const sg: PimSource = { source: S, wildcard: false, rpt: false };
export const sgRpt: PimSource = { source: S, wildcard: false, rpt: true };
export const star: PimSource = { source: RP, wildcard: true, rpt: true };

const route = (change: Partial<PimRoute> = {}): PimRoute => ({ iface: 0, neighbour: UP, metric: 10, preference: 110, ...change });

function wordsOf({ iface, message }: Sent): string[] {
  if (message.kind === 'assert') {
    const cancel = message.preference === 0x7fffffff && message.metric === 0xffffffff;
    return [`${iface} ${cancel ? 'cancel' : 'assert'} ${message.source === '0.0.0.0' ? '*' : message.source}`];
  }
  if (message.kind !== 'join-prune') return [];
  const name = (each: PimSource): string => `${each.wildcard ? '*' : each.source}${each.rpt && !each.wildcard ? ' rpt' : ''}`;
  return message.groups.flatMap(({ joins, prunes }) => [
    ...joins.map((each) => `${iface} join ${name(each)}`),
    ...prunes.map((each) => `${iface} prune ${name(each)}`),
  ]);
}

export function rig(
  given: Partial<Pick<RigWorld, 'any' | 'source' | 'exclude'>> & { spt?: boolean; timers?: object } & Partial<
      Pick<PimOptions, 'trustsAsserts' | 'maxUnknownSources' | 'maxTrees' | 'maxNeighbours' | 'joinsPerSecond' | 'candidate' | 'rps'>
    > = {},
): Rig {
  const clock = new EventClock();
  const sent: Sent[] = [];
  const unicasts: Rig['unicasts'] = [];
  const decapsulated: string[] = [];
  const notes: PimNote[] = [];
  const world: RigWorld = {
    any: given.any ?? 0,
    source: given.source ?? 0,
    exclude: given.exclude ?? 0,
    routes: new Map([
      [S, route()],
      [RP, route()],
    ]),
    own: new Set<string>(),
  };
  const host: PimHost = {
    family: 4,
    clock,
    random: new Random(1),
    rpf: (address) => world.routes.get(address),
    isOwn: (address) => world.own.has(address),
    send: (iface, message) => sent.push({ iface, message, tNs: clock.nowNs }),
    unicast: (message, destination) => unicasts.push({ message, destination }),
    pathMtu: () => Infinity,
    tooBig: () => undefined,
    includeAny: () => world.any,
    includeSource: () => world.source,
    excludes: () => world.exclude,
    joinDesired: (_source, _group, own) => own,
    wantedElsewhere: () => false,
    changed: () => undefined,
    decapsulated: (_packet, source) => decapsulated.push(source),
    note: (note) => notes.push(note),
  };
  const pim = new PimRouter({
    host,
    settings: pimSettings(multicastTimersSchema.parse(given.timers ?? {})),
    interfaces: [0, 1, 2].map((i) => ({ address: `10.0.${i}.5`, drPriority: 1 })),
    rps: given.rps ?? [{ prefix: '224.0.0.0', bits: 4, rp: RP, priority: 192 }],
    translationRouter: null,
    spt: given.spt ?? true,
    maxUnknownSources: given.maxUnknownSources ?? 4_096,
    maxTrees: given.maxTrees ?? 1_000_000,
    maxNeighbours: given.maxNeighbours ?? 256,
    joinsPerSecond: given.joinsPerSecond ?? 100_000,
    trustsAsserts: given.trustsAsserts ?? false,
    candidate: given.candidate ?? null,
  });
  pim.start();
  const alive = new Map<string, () => void>();
  const hello = (iface: number, from: string, change: Partial<PimHello> = {}): void => {
    const lanPruneDelay = { propagationMs: 500, overrideMs: 2_500, tracking: false };
    const base = { drPriority: 1, generationId: 7, addresses: [], translationRouter: null };
    const say = (): void => {
      pim.receive({ kind: 'hello', holdtimeS: 105, lanPruneDelay, ...base, ...change }, iface, from, ALL);
    };
    say();
    if (change.holdtimeS === 0) alive.delete(`${iface} ${from}`);
    else alive.set(`${iface} ${from}`, say);
  };
  hello(0, UP);
  hello(1, '10.0.1.1');
  clock.runUntil(NS_PER_S);
  sent.length = 0;
  return {
    pim,
    clock,
    world,
    sent,
    unicasts,
    decapsulated,
    notes,
    hello,
    jp: (iface, from, joins, prunes, group = SSM, upstream = `10.0.${iface}.5`) => {
      pim.receive({ kind: 'join-prune', upstream, holdtimeS: 210, groups: [{ group, maskLength: 32, joins, prunes }] }, iface, from, ALL);
    },
    assert: (iface, from, change = {}) => {
      pim.receive({ kind: 'assert', group: SSM, source: S, rpt: false, preference: 110, metric: 5, ...change }, iface, from, ALL);
    },
    said: () => {
      const words = sent.flatMap((each) => wordsOf(each));
      sent.length = 0;
      return words;
    },
    run: (seconds) => {
      const endNs = clock.nowNs + seconds * NS_PER_S;
      while (clock.nowNs + 30 * NS_PER_S < endNs) {
        clock.runUntil(clock.nowNs + 30 * NS_PER_S);
        for (const say of alive.values()) say();
      }
      clock.runUntil(endNs);
    },
  };
}
