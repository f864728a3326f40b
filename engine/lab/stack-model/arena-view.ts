import type { ArenaRegionRow, StackArena } from '../../contract/index.ts';
import { SEGMENT_BYTES, type ArenaStats } from '../../stack/index.ts';
import type { Pipeline } from '../pipeline.ts';
import { stackModels } from './view.ts';

/** Regions of the arena, and the buffer regions behind the caches, which hold no copy of the bytes. */
export function stackArena(pipeline: Pipeline, tNs: number): StackArena {
  const { arenas } = pipeline;
  const models = stackModels(pipeline);
  const regions: ArenaRegionRow[] = arenas.flatMap((arena) =>
    arena.regions.map((r) => ({
      kind: r.kind,
      owner: r.owner,
      bytes: r.lenBytes,
      segments: r.segments,
      mapped: r.state === 'mapped' ? r.segments : 0,
      wired: r.state === 'wired' ? r.segments : 0,
      redirected: 0,
      backed: true,
    })),
  );
  for (const instance of models.flatMap((model) => model.control.instances)) {
    for (const r of instance.map?.regions ?? []) {
      if (r.state !== 'redirected') continue;
      const owner = `${pipeline.scenario.ports[instance.place]!.id} (${instance.id})`;
      regions.push({
        kind: r.kind,
        owner,
        bytes: r.lenBytes,
        segments: r.segments,
        mapped: 0,
        wired: 0,
        redirected: r.segments,
        backed: false,
      });
    }
  }
  const caches = models.flatMap((model) => model.pools.map((pool) => pool.cache));
  for (const cache of caches) {
    const { name, slabs, slabsActive } = cache.stats();
    regions.push({
      kind: 'buffers',
      owner: name,
      bytes: slabs * SEGMENT_BYTES,
      segments: slabs,
      mapped: 0,
      wired: slabsActive,
      redirected: 0,
      backed: false,
    });
  }
  const totals = arenas.map((arena) => arena.stats());
  const sum = (pick: (stats: ArenaStats) => number): number => totals.reduce((n, stats) => n + pick(stats), 0);
  const rows = caches.map((cache) => {
    const { cpus, ...rest } = cache.stats();
    return { ...rest, cpus: [...cpus], rounds: cache.spec.rounds };
  });
  return {
    tNs,
    capacityBytes: sum((s) => s.capacityBytes),
    usedBytes: sum((s) => s.usedBytes),
    segmentBytes: SEGMENT_BYTES,
    regions,
    caches: rows,
  };
}
