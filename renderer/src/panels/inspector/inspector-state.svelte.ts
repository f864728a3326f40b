import { SvelteSet } from 'svelte/reactivity';
import type { PacketDetail } from '../../../../engine/contract/index.ts';
import type { AppStore } from '../../lib/engine.svelte.ts';
import { sharedState } from '../../lib/shared-state.svelte.ts';
import { recall, remember } from '../../lib/memory.ts';
import { ancestry, fieldAtByte, fieldByName, flatten, visibleRows, type FieldRow } from './fields.ts';

/** Fields that stand open before anybody opens or closes one: few, so that the cards below, which say why, are in sight. */
const OPEN_AT_FIRST: readonly string[] = ['ip', 'ipv6'];
/** Names of opened fields that are remembered: more than anybody opens by hand. */
const MAX_OPEN = 2_000;
const VERSION = 1;
const isNames = (value: unknown): value is string[] => Array.isArray(value) && value.every((name) => typeof name === 'string');

/** The packet on show, its selected field, and what stands open: shared by tree, bytes, cards and head. */
export class InspectorState {
  readonly #app: AppStore;
  detail = $state.raw<PacketDetail | null>(null);
  error = $state<string | null>(null);
  loading = $state(false);
  /** Id of the selected field in `rows`, null for none. */
  selectedId = $state<string | null>(null);
  /** Field under the pointer, in the tree or in the bytes. */
  hoverId = $state<string | null>(null);
  /** Byte that the caret stands on, -1 for none. */
  caret = $state(-1);
  readonly #open: SvelteSet<string>;

  readonly rows: readonly FieldRow[] = $derived(flatten(this.detail?.layers ?? []));
  readonly visible: readonly FieldRow[] = $derived(visibleRows(this.rows, (row) => this.isOpen(row)));
  readonly selected: FieldRow | null = $derived(this.#byId(this.selectedId));
  readonly hovered: FieldRow | null = $derived(this.#byId(this.hoverId));
  #controller: AbortController | null = null;

  constructor(app: AppStore) {
    this.#app = app;
    this.#open = new SvelteSet(recall('inspector.open', VERSION, isNames) ?? OPEN_AT_FIRST);
  }

  #byId(id: string | null): FieldRow | null {
    return id === null ? null : (this.rows.find((row) => row.id === id) ?? null);
  }

  /** Reads a packet; the one shown before stays until then. A newer request takes the place of one that is under way. */
  async load(number: number): Promise<void> {
    this.#controller?.abort();
    this.#controller = null;
    const session = this.#app.sessionId;
    if (session === null || number === 0) {
      this.#show(null);
      return;
    }
    const controller = new AbortController();
    this.#controller = controller;
    this.loading = true;
    try {
      const detail = await this.#app.call('packets.detail', { session, number }, { signal: controller.signal });
      if (this.#controller === controller) this.#show(detail);
    } catch (error) {
      if (this.#controller !== controller) return;
      this.#show(null);
      this.error = error instanceof Error ? error.message : String(error);
    }
  }

  #show(detail: PacketDetail | null): void {
    const name = this.selected?.node.name ?? null;
    this.loading = false;
    this.error = null;
    this.detail = detail;
    this.hoverId = null;
    const same = name === null ? null : fieldByName(this.rows, name);
    this.selectedId = same?.id ?? null;
    this.caret = same !== null && same.node.length > 0 ? same.node.offset : -1;
  }

  isOpen(row: FieldRow): boolean {
    return this.#open.has(row.node.name);
  }

  setOpen(row: FieldRow, open: boolean): void {
    if (!row.expandable) return;
    if (open) this.#open.add(row.node.name);
    else this.#open.delete(row.node.name);
    this.#remember();
  }

  setAllOpen(open: boolean): void {
    for (const row of this.rows) {
      if (!row.expandable) continue;
      if (open) this.#open.add(row.node.name);
      else this.#open.delete(row.node.name);
    }
    this.#remember();
  }

  #remember(): void {
    remember('inspector.open', VERSION, [...this.#open].slice(-MAX_OPEN));
  }

  /** Selects a field; its bytes are marked, the caret goes to the first of them. */
  select(id: string | null): void {
    this.selectedId = id;
    const row = this.selected;
    if (row !== null && row.node.length > 0) this.caret = row.node.offset;
  }

  /** Puts the caret on a byte, selects its innermost field, and opens the tree down to it. */
  selectByte(offset: number): void {
    this.caret = offset;
    const row = fieldAtByte(this.rows, offset);
    this.selectedId = row?.id ?? null;
    if (row === null) return;
    for (const outer of ancestry(this.rows, row.id).slice(0, -1)) this.setOpen(outer, true);
  }

  hoverByte(offset: number): void {
    this.hoverId = offset < 0 ? null : (fieldAtByte(this.rows, offset)?.id ?? null);
  }
}

export const inspectorState = sharedState((app) => new InspectorState(app));
