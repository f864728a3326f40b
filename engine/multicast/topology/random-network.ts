import { Random } from '../../base/index.ts';
import type { MulticastScenario, RandomTopologySpec } from '../../contract/index.ts';

type Drawn = Pick<MulticastScenario, 'routers' | 'links' | 'sources' | 'receivers'>;

const GROUP = '232.1.2.3';
const SOURCE = '192.0.2.33';

/**
 * Routers, links, one source-specific source of both families and receivers, drawn with a seed. A random tree makes the network whole in the
 * family of each link, more links follow. The links of the source's and the receivers' routers are no different from others.
 */
export function drawNetwork(spec: RandomTopologySpec, seed: number): Drawn {
  const random = new Random(seed).fork('topology');
  const routers = Array.from({ length: spec.routers }, (_, i) => ({
    id: `r${i + 1}`,
    kind: random.float() < spec.translationShare ? ('translation' as const) : ('dual' as const),
  }));
  const links: { ends: [string, string]; families: 'v4' | 'v6' | 'both'; cost4: number; cost6: number; delayMs: number }[] = [];
  const taken = new Set<string>();
  const add = (a: number, b: number): void => {
    const [low, high] = a < b ? [a, b] : [b, a];
    const key = `${low}-${high}`;
    if (a === b || taken.has(key)) return;
    const v4 = random.float() < spec.v4Share;
    const v6 = random.float() < spec.v6Share;
    const costs = { cost4: random.int(1, spec.maxCost), cost6: random.int(1, spec.maxCost) };
    const delayMs = Math.round(random.float() * spec.maxDelayMs * 1000) / 1000;
    taken.add(key);
    if (v4 || v6) links.push({ ends: [`r${low + 1}`, `r${high + 1}`], families: v4 && v6 ? 'both' : v4 ? 'v4' : 'v6', ...costs, delayMs });
  };
  for (let i = 1; i < spec.routers; i++) add(random.int(0, i - 1), i);
  const most = (spec.routers * (spec.routers - 1)) / 2;
  for (let i = 0; taken.size < Math.min(spec.links, most) && i < spec.links * 50; i++)
    add(random.int(0, spec.routers - 1), random.int(0, spec.routers - 1));
  const receivers = Array.from({ length: spec.receivers }, (_, i) => ({
    id: `h${i + 1}`,
    at: `r${random.int(Math.min(2, spec.routers), spec.routers)}`,
    protocol: random.float() < spec.v6Receivers ? ('mldv2' as const) : ('igmpv3' as const),
    group: GROUP,
    source: SOURCE,
    joinS: 1 + Math.round(random.float() * 1000) / 1000,
  }));
  const sources = [{ id: 'source', at: 'r1', v4: SOURCE, v6: 'mapped', group: GROUP }];
  return complete({ routers, links, sources, receivers });
}

/** The defaults of the schema, which may not be used here: `contract` parses, this only draws. */
function complete(drawn: {
  routers: { id: string; kind: 'translation' | 'dual' }[];
  links: { ends: string[]; families: 'v4' | 'v6' | 'both'; cost4: number; cost6: number; delayMs: number }[];
  sources: { id: string; at: string; v4: string; v6: string; group: string }[];
  receivers: { id: string; at: string; protocol: 'mldv2' | 'igmpv3'; group: string; source: string; joinS: number }[];
}): Drawn {
  return {
    routers: drawn.routers.map((router) => ({
      drPriority: 1,
      preference4: 110,
      preference6: 110,
      mode: 'translate',
      encapsulateTo: [],
      spt: 'first-packet',
      threshold: 1,
      ...router,
    })),
    links: drawn.links.map((link) => ({ rateBps: 1e9, mtu: 1_500, lossPercent: 0, scopeBoundary: 0, ...link })),
    sources: drawn.sources.map((source) => ({
      ratePps: 20,
      bytes: 200,
      ttl: 64,
      udpChecksum: true,
      dontFragment: false,
      startS: 0,
      ...source,
    })),
    receivers: drawn.receivers,
  };
}
