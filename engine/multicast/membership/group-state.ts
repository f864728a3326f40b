import { RECORD, type RecordType } from '../messages/index.ts';

/**
 * What a router knows of one group on one interface: filter mode, group timer, and a timer for each source (RFC 9776 section 6.2, RFC 9777
 * section 7.2). Times are instants of the network's clock at which a timer runs out; a source with 0 is one whose timer has run out, which in
 * EXCLUDE mode means that it is not wanted.
 */
export interface GroupState {
  exclude: boolean;
  /** EXCLUDE only. */
  groupUntilNs: number;
  readonly sources: Map<string, number>;
}

export function newGroupState(): GroupState {
  return { exclude: false, groupUntilNs: 0, sources: new Map<string, number>() };
}

/** Queries that a record asks for: about the group, and about sources of it. */
export interface Queries {
  readonly group: boolean;
  readonly sources: readonly string[];
}

const NO_QUERY: Queries = { group: false, sources: [] };

/** Sources with a running timer: A in INCLUDE, X in EXCLUDE. */
export function wantedSources(state: GroupState): string[] {
  return [...state.sources].filter(([, untilNs]) => untilNs > 0).map(([source]) => source);
}

/** Sources whose timer has run out: Y in EXCLUDE. */
export function refusedSources(state: GroupState): string[] {
  return [...state.sources].filter(([, untilNs]) => untilNs === 0).map(([source]) => source);
}

/**
 * The tables of RFC 9776 section 6.4 (RFC 9777 section 7.4): changes the state by one record and says what must be asked. `gmiNs` is the group
 * membership interval. Sources beyond `maxSources` are left out; how many is the second value.
 */
export function applyRecord(
  state: GroupState,
  type: RecordType,
  sources: readonly string[],
  nowNs: number,
  gmiNs: number,
  maxSources: number,
): { readonly queries: Queries; readonly refused: number } {
  const room = Math.max(0, maxSources - state.sources.size);
  const fresh = sources.filter((source) => !state.sources.has(source));
  const refused = Math.max(0, fresh.length - room);
  const taken = refused === 0 ? sources : sources.filter((source) => state.sources.has(source) || fresh.indexOf(source) < room);
  const queries = state.exclude ? inExclude(state, type, taken, nowNs, gmiNs) : inInclude(state, type, taken, nowNs, gmiNs);
  return { queries, refused };
}

function inInclude(state: GroupState, type: RecordType, b: readonly string[], nowNs: number, gmiNs: number): Queries {
  const a = state.sources;
  switch (type) {
    case RECORD.isInclude:
    case RECORD.allow:
      for (const source of b) a.set(source, nowNs + gmiNs);
      return NO_QUERY;
    case RECORD.block:
      return { group: false, sources: b.filter((source) => a.has(source)) };
    case RECORD.toInclude: {
      const inB = new Set(b);
      const ask = [...a.keys()].filter((source) => !inB.has(source));
      for (const source of b) a.set(source, nowNs + gmiNs);
      return { group: false, sources: ask };
    }
    case RECORD.isExclude:
    case RECORD.toExclude: {
      const inB = new Set(b);
      const both = b.filter((source) => a.has(source));
      for (const source of [...a.keys()]) if (!inB.has(source)) a.delete(source);
      for (const source of b) if (!a.has(source)) a.set(source, 0);
      state.exclude = true;
      state.groupUntilNs = nowNs + gmiNs;
      return { group: false, sources: type === RECORD.toExclude ? both : [] };
    }
  }
}

function inExclude(state: GroupState, type: RecordType, a: readonly string[], nowNs: number, gmiNs: number): Queries {
  const { sources } = state;
  switch (type) {
    case RECORD.isInclude:
    case RECORD.allow:
      for (const source of a) sources.set(source, nowNs + gmiNs);
      return NO_QUERY;
    case RECORD.block: {
      for (const source of a) if (!sources.has(source)) sources.set(source, state.groupUntilNs);
      return { group: false, sources: a.filter((source) => sources.get(source) !== 0) };
    }
    case RECORD.toInclude: {
      const inA = new Set(a);
      const ask = wantedSources(state).filter((source) => !inA.has(source));
      for (const source of a) sources.set(source, nowNs + gmiNs);
      return { group: true, sources: ask };
    }
    case RECORD.isExclude:
    case RECORD.toExclude: {
      const inA = new Set(a);
      for (const source of [...sources.keys()]) if (!inA.has(source)) sources.delete(source);
      const untilNs = type === RECORD.isExclude ? nowNs + gmiNs : state.groupUntilNs;
      for (const source of a) if (!sources.has(source)) sources.set(source, untilNs);
      state.groupUntilNs = nowNs + gmiNs;
      return { group: false, sources: type === RECORD.toExclude ? a.filter((source) => sources.get(source) !== 0) : [] };
    }
  }
}

/** Lets timers run out (sections 6.3 and 6.5). True if anything changed. */
export function expire(state: GroupState, nowNs: number): boolean {
  let changed = false;
  for (const [source, untilNs] of state.sources) {
    if (untilNs === 0 || untilNs > nowNs) continue;
    changed = true;
    if (state.exclude) state.sources.set(source, 0);
    else state.sources.delete(source);
  }
  if (state.exclude && state.groupUntilNs <= nowNs) {
    state.exclude = false;
    state.groupUntilNs = 0;
    for (const source of refusedSources(state)) state.sources.delete(source);
    changed = true;
  }
  return changed;
}

/** Nobody wants anything: the record may go. */
export function isEmpty(state: GroupState): boolean {
  return !state.exclude && state.sources.size === 0;
}

/** The next instant at which a timer runs out, Infinity where none runs. */
export function nextExpiryNs(state: GroupState): number {
  let next = state.exclude ? state.groupUntilNs : Infinity;
  for (const untilNs of state.sources.values()) if (untilNs > 0 && untilNs < next) next = untilNs;
  return next;
}
