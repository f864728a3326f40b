/** Rings and pools as the panel shows them: one row for the same ring of every device queue, with the figures of each at the playhead. Pure. */
import type { LiveFrame, RunSummary, SeriesFrame } from '../../../../engine/contract/index.ts';
import type { HistoryFigures } from '../../lib/charts/occupancy.ts';
import { OBJECT_FIELDS, OBJECT_STRIDE, type RunObject } from '../../lib/engine.svelte.ts';

export interface Group {
  /** `device.rx`: the id without its queue. */
  readonly key: string;
  readonly title: string;
  readonly kind: 'ring' | 'pool';
  /** One for each queue, in order of queue. */
  readonly members: readonly RunObject[];
}

/** Figures of one ring or pool at a moment. */
export interface ObjectFigures {
  readonly slots: number;
  readonly used: number;
  readonly head: number;
  readonly tail: number;
  readonly highWater: number;
  readonly drops: number;
}

const withoutQueue = (id: string): string => id.replace(/\.\d+$/, '');

function titleOf(key: string, port: string): string {
  const rest = key.startsWith(`${port}.`) ? key.slice(port.length + 1) : key;
  return `${port} ${rest === 'rx' || rest === 'tx' ? rest.toUpperCase() : rest}`;
}

/** Rows in the order in which the run names its objects. */
export function groupObjects(objects: readonly RunObject[]): Group[] {
  const groups = new Map<string, RunObject[]>();
  for (const object of objects) {
    const key = withoutQueue(object.id);
    const members = groups.get(key);
    if (members) members.push(object);
    else groups.set(key, [object]);
  }
  return [...groups].map(([key, members]) => ({
    key,
    title: titleOf(key, members[0]?.port ?? key),
    kind: members[0]?.kind ?? 'ring',
    members: [...members].sort((a, b) => a.queue - b.queue),
  }));
}

/** Queues that occur, ascending. */
export function queuesOf(objects: readonly RunObject[]): number[] {
  return [...new Set(objects.map((object) => object.queue))].sort((a, b) => a - b);
}

/** Members that a choice of queue leaves; all of them for null. */
export function membersOf(group: Group, queue: number | null): readonly RunObject[] {
  return queue === null ? group.members : group.members.filter((member) => member.queue === queue);
}

export function figuresAt(frame: LiveFrame | null, object: RunObject): ObjectFigures {
  const at = object.index * OBJECT_STRIDE;
  const read = (field: keyof typeof OBJECT_FIELDS): number => frame?.objects[at + OBJECT_FIELDS[field]] ?? 0;
  return {
    slots: object.capacity,
    used: read('used'),
    head: read('head'),
    tail: read('tail'),
    highWater: read('highWater'),
    drops: read('drops'),
  };
}

export interface Together {
  /** The fullest member: what decides about drops. A sum would hide one full queue among idle ones. */
  readonly fullest: ObjectFigures | null;
  readonly highest: number;
  readonly drops: number;
}

const share = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);

export function together(members: readonly ObjectFigures[]): Together {
  let fullest: ObjectFigures | null = null;
  let highest = 0;
  let drops = 0;
  for (const member of members) {
    if (fullest === null || share(member.used, member.slots) > share(fullest.used, fullest.slots)) fullest = member;
    highest = Math.max(highest, share(member.highWater, member.slots));
    drops += member.drops;
  }
  return { fullest, highest, drops };
}

export interface WholeRun {
  /** High-water mark, 0..1, of the fullest member. */
  readonly highWater: number;
  readonly drops: number;
}

/** What the finished run says about these objects. */
export function wholeRun(summary: RunSummary | null, members: readonly RunObject[]): WholeRun {
  let highWater = 0;
  let drops = 0;
  for (const member of members) {
    const ring = summary?.rings.find((one) => one.id === member.id);
    const pool = summary?.pools.find((one) => one.id === member.id);
    highWater = Math.max(highWater, ring ? share(ring.highWater, ring.slots) : pool ? share(pool.highWater, pool.packets) : 0);
    drops += ring?.drops ?? pool?.failures ?? 0;
  }
  return { highWater, drops };
}

/** Fill over time of the fullest member in each bin, and the drops of all. Null where the series does not know one of them. */
export function historyOf(series: SeriesFrame, members: readonly RunObject[], highWater: number): HistoryFigures | null {
  const shares = new Float32Array(series.bins);
  const drops = new Uint32Array(series.bins);
  for (const member of members) {
    const row = series.objects[member.index] === member.id ? member.index : series.objects.indexOf(member.id);
    const capacity = series.capacity[row] ?? 0;
    if (row < 0 || capacity === 0) return null;
    for (let bin = 0; bin < series.bins; bin++) {
      const at = row * series.bins + bin;
      shares[bin] = Math.max(shares[bin] ?? 0, (series.max[at] ?? 0) / capacity);
      drops[bin] = (drops[bin] ?? 0) + (series.drops[at] ?? 0);
    }
  }
  return { share: shares, drops, highWater };
}

/** Bin of a time, clamped to the series. */
export function binAt(series: SeriesFrame, tNs: number): number {
  if (series.binNs <= 0) return 0;
  return Math.min(series.bins - 1, Math.max(0, Math.floor((tNs - series.startNs) / series.binNs)));
}

/** Rows of a small panel are this high, and of one that fills the window at most so much higher. */
const ROW_PX = 48;
const MAX_ROW_PX = 132;
const SUB_ROW_PX = 30;
/** Largest circle that still reads as a sign beside its curve. */
const MAX_CIRCLE_PX = 76;

/** Height of a ring's row in a panel: rows share what room there is, so that a large panel shows curves instead of nothing. */
export function rowHeight(roomPx: number, rows: number, subRows: number): number {
  if (rows === 0) return ROW_PX;
  return Math.max(ROW_PX, Math.min(MAX_ROW_PX, Math.floor((roomPx - subRows * SUB_ROW_PX) / rows)));
}

/** Side of the circle in a row of a height. */
export function circleSide(rowPx: number): number {
  return Math.min(MAX_CIRCLE_PX, rowPx - 8);
}
