/** The field tree as the inspector uses it: flat rows for drawing and keys, and the way from a byte to its field and back. Pure. */
import type { FieldNode, Severity } from '../../../../engine/contract/index.ts';

/** One field in reading order. Ids are the path of child positions, such as `1.4.0`: stable for one packet. */
export interface FieldRow {
  readonly id: string;
  readonly node: FieldNode;
  readonly depth: number;
  readonly parent: string | null;
  /** 1-based position among its siblings, and how many they are: what a screen reader says. */
  readonly position: number;
  readonly siblings: number;
  readonly expandable: boolean;
  /** Worst finding of the node itself or of anything inside it. */
  readonly severity: Severity | null;
}

const RANK: Readonly<Record<Severity, number>> = { chat: 0, note: 1, warn: 2, error: 3 };

function worst(a: Severity | null, b: Severity | null): Severity | null {
  if (a === null) return b;
  if (b === null) return a;
  return RANK[a] >= RANK[b] ? a : b;
}

export function worstSeverity(node: FieldNode): Severity | null {
  let found: Severity | null = null;
  for (const expert of node.experts ?? []) found = worst(found, expert.severity);
  for (const child of node.children ?? []) found = worst(found, worstSeverity(child));
  return found;
}

/** Every field, expanded or not, in reading order. */
export function flatten(layers: readonly FieldNode[]): FieldRow[] {
  const rows: FieldRow[] = [];
  const visit = (nodes: readonly FieldNode[], depth: number, parent: string | null): void => {
    nodes.forEach((node, at) => {
      const id = parent === null ? String(at) : `${parent}.${at}`;
      const children = node.children ?? [];
      rows.push({
        id,
        node,
        depth,
        parent,
        position: at + 1,
        siblings: nodes.length,
        expandable: children.length > 0,
        severity: worstSeverity(node),
      });
      visit(children, depth + 1, id);
    });
  };
  visit(layers, 0, null);
  return rows;
}

/** Rows whose ancestors are all expanded. `isOpen` is asked by field name, so that what was opened stays open from packet to packet. */
export function visibleRows(rows: readonly FieldRow[], isOpen: (row: FieldRow) => boolean): FieldRow[] {
  const shown = new Set<string>();
  const visible: FieldRow[] = [];
  for (const row of rows) {
    if (row.parent !== null && !shown.has(row.parent)) continue;
    visible.push(row);
    if (row.expandable && isOpen(row)) shown.add(row.id);
  }
  return visible;
}

/** Innermost field that covers a byte: the shortest range, and the deepest among equals. Generated fields own no bytes. */
export function fieldAtByte(rows: readonly FieldRow[], offset: number): FieldRow | null {
  let best: FieldRow | null = null;
  for (const row of rows) {
    const { node } = row;
    if (node.length <= 0 || node.generated === true) continue;
    if (offset < node.offset || offset >= node.offset + node.length) continue;
    if (best === null || node.length < best.node.length || (node.length === best.node.length && row.depth >= best.depth)) best = row;
  }
  return best;
}

/** The field and all it stands in, outermost first. */
export function ancestry(rows: readonly FieldRow[], id: string): FieldRow[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const chain: FieldRow[] = [];
  for (let row = byId.get(id); row; row = row.parent === null ? undefined : byId.get(row.parent)) chain.unshift(row);
  return chain;
}

/** First field with this filter name: how a selection carries over to the next packet. */
export function fieldByName(rows: readonly FieldRow[], name: string): FieldRow | null {
  return rows.find((row) => row.node.name === name) ?? null;
}

/** What a filter or a note would quote: `ip.src == 192.0.2.1`, or the label where there is no value. */
export function fieldText(node: FieldNode): string {
  return node.value === '' ? node.label : `${node.label}: ${node.value}`;
}
