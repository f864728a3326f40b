import type { BindingRow, TranslatedFlow, TranslatedSortKey } from '../../contract/index.ts';
import { bindingRow } from '../../translator/index.ts';
import type { Pipeline } from '../pipeline.ts';
import { ARROW, endText, flowRow, rowText, translatorsOf } from './tables.ts';
import type { TranslatorPort } from './translator-port.ts';

/** Numbers up to this are exact as floats. */
const EXACT = 2 ** 53;

/**
 * The rows of a table that have a text in them, in an order. A table may have a million rows, so they are looked at in steps; when `step` says that
 * there are no more, `order` has them. Rows keep their numbers while the table grows: what came after the start is not among them.
 */
export abstract class TableSearch<Row> {
  /** Numbers of the rows found, in order; empty before the end. */
  order: Uint32Array = new Uint32Array(0);
  /** Rows looked at, of how many. */
  done = 0;
  readonly total: number;
  protected readonly wanted: string;
  private readonly found: Uint32Array;
  private count = 0;

  constructor(rows: number, filter: string) {
    this.wanted = filter.trim().toLowerCase().replaceAll('→', ARROW);
    this.total = rows;
    this.found = new Uint32Array(this.total);
  }

  /** Looks at up to `rows` more rows; false when that was all. */
  step(rows: number): boolean {
    const end = Math.min(this.total, this.done + rows);
    const { found } = this;
    for (let i = this.done; i < end; i++) {
      if (this.has(i)) found[this.count++] = i;
    }
    this.done = end;
    if (end < this.total) return true;
    this.order = this.sorted(found.subarray(0, this.count));
    return false;
  }

  /** Rows [first, first + count) of what was found. */
  page(first: number, count: number): Row[] {
    return Array.from(this.order.subarray(first, first + count), (number) => this.row(number)).filter((row) => row !== undefined);
  }

  /** The row that `number` stands for; undefined where there is none any more. */
  abstract row(number: number): Row | undefined;
  protected abstract has(number: number): boolean;
  protected abstract sorted(found: Uint32Array): Uint32Array;
}

/** All of a search at once, where nobody waits for it. */
export function wholeSearch<S extends TableSearch<unknown>>(search: S): S {
  while (search.step(search.total));
  return search;
}

/** One word with a sign of an address or port, as no state of a session has it. */
const OF_AN_ADDRESS = /^\S*[.:[\]]\S*$/;

/** Conversations through all translator ports of a pipeline. */
export class FlowSearch extends TableSearch<TranslatedFlow> {
  private readonly pipeline: Pipeline;
  private readonly ports: readonly TranslatorPort[];
  /** Number of the first row of each port. */
  private readonly firsts: readonly number[];
  private readonly sort: TranslatedSortKey;
  private readonly descending: boolean;
  /** What is looked for may be in the state of a session. */
  private readonly ofState: boolean;

  constructor(pipeline: Pipeline, sort: TranslatedSortKey, descending: boolean, filter: string) {
    const ports = translatorsOf(pipeline);
    const firsts: number[] = [];
    let rows = 0;
    for (const { pairs } of ports) {
      firsts.push(rows);
      rows += pairs.count;
    }
    super(rows, filter);
    pipeline.flows.refresh();
    this.pipeline = pipeline;
    this.ports = ports;
    this.firsts = firsts;
    this.sort = sort;
    this.descending = descending;
    this.ofState = !OF_AN_ADDRESS.test(this.wanted);
  }

  private place(number: number): number {
    let at = this.firsts.length - 1;
    while (at > 0 && this.firsts[at]! > number) at--;
    return at;
  }

  row(number: number): TranslatedFlow | undefined {
    return this.read(number, true);
  }

  private read(number: number, withSession: boolean): TranslatedFlow | undefined {
    const at = this.place(number);
    const port = this.ports[at];
    const pair = number - (this.firsts[at] ?? 0);
    return port === undefined || pair >= port.pairs.count ? undefined : flowRow(this.pipeline.flows, port, pair, withSession);
  }

  protected has(number: number): boolean {
    if (this.wanted === '') return true;
    const row = this.read(number, this.ofState);
    return row !== undefined && rowText(row).includes(this.wanted);
  }

  protected sorted(found: Uint32Array): Uint32Array {
    const order = this.sort === 'id' ? found : sortedBy(found, (number) => this.value(number));
    return this.descending ? order.reverse() : order;
  }

  private value(number: number): number {
    const at = this.place(number);
    const { pairs } = this.ports[at]!;
    const pair = number - this.firsts[at]!;
    switch (this.sort) {
      case 'last':
        return pairs.last[pair]!;
      case 'packets':
        return pairs.packets64[pair]! + pairs.packets46[pair]!;
      case 'bytes':
        return pairs.bytes64[pair]! + pairs.bytes46[pair]!;
      default:
        return pairs.refused[pair]!;
    }
  }
}

/** Numbers by rising value; equal values keep their order. Values are whole and not negative. */
function sortedBy(numbers: Uint32Array, value: (number: number) => number): Uint32Array {
  const count = numbers.length;
  const values = Float64Array.from(numbers, value);
  const most = values.reduce((max, each) => Math.max(max, each), 0);
  if ((most + 1) * count >= EXACT) {
    const places = Uint32Array.from(numbers, (_, i) => i).sort((a, b) => values[a]! - values[b]! || a - b);
    return places.map((place) => numbers[place]!);
  }
  // Value and place in one float: sorting floats without a comparison in between is an order of magnitude faster.
  for (let i = 0; i < count; i++) values[i] = values[i]! * count + i;
  values.sort();
  return Uint32Array.from(values, (each) => numbers[each % count]!);
}

/** What a filter of the bindings looks at: the row as it is shown. */
function bindingText({ protocol, v6, port6, v4, port4, fixed, port }: BindingRow): string {
  return `${protocol} ${endText(v6, port6)} ${endText(v4, port4)} ${fixed ? 'static' : 'dynamic'} ${port}`.toLowerCase();
}

/** Bindings of all stateful translator ports, in the order of their table entries. */
export class BindingSearch extends TableSearch<BindingRow> {
  private readonly ports: readonly TranslatorPort[];
  private readonly firsts: readonly number[];

  constructor(pipeline: Pipeline, filter: string) {
    const ports = translatorsOf(pipeline).filter(({ state }) => state !== null);
    const firsts: number[] = [];
    let entries = 0;
    for (const { state } of ports) {
      firsts.push(entries);
      entries += state!.bindings.used;
    }
    super(entries, filter);
    this.ports = ports;
    this.firsts = firsts;
  }

  row(number: number): BindingRow | undefined {
    let at = this.firsts.length - 1;
    while (at > 0 && this.firsts[at]! > number) at--;
    const port = this.ports[at];
    const entry = number - (this.firsts[at] ?? 0);
    if (port?.state === null || port === undefined || port.state.bindings.protocol(entry) === 0) return undefined;
    return { port: port.id, ...bindingRow(port.state.bindings, entry) };
  }

  protected has(number: number): boolean {
    const row = this.row(number);
    return row !== undefined && (this.wanted === '' || bindingText(row).includes(this.wanted));
  }

  protected sorted(found: Uint32Array): Uint32Array {
    return found;
  }
}
