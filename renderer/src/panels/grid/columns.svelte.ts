import { recall, remember } from '../../lib/memory.ts';

/** Columns of a grid: what they are, and the order and widths the user gave them, remembered under the grid's name. */

export interface GridColumn {
  readonly id: string;
  readonly title: string;
  /** CSS px, before anybody changes it. */
  readonly width: number;
  readonly numeric?: boolean;
  /** Takes what is left of the panel's width; at least `width`. The last one that has it counts. */
  readonly grows?: boolean;
  /** Click on the title sorts by it. */
  readonly sortable?: boolean;
  /** Said on hover over the title. */
  readonly hint?: string;
}

export const MIN_COLUMN_PX = 32;
export const MAX_COLUMN_PX = 1_200;
const VERSION = 1;

interface Stored {
  readonly order: string[];
  readonly widths: Record<string, number>;
}

function isStored(value: unknown): value is Stored {
  if (typeof value !== 'object' || value === null || !('order' in value) || !('widths' in value)) return false;
  if (!Array.isArray(value.order) || !value.order.every((id) => typeof id === 'string')) return false;
  return typeof value.widths === 'object' && value.widths !== null && Object.values(value.widths).every((px) => typeof px === 'number');
}

const clampWidth = (px: number): number => Math.round(Math.min(MAX_COLUMN_PX, Math.max(MIN_COLUMN_PX, px)));

export class ColumnLayout {
  readonly #key: string;
  readonly #all: readonly GridColumn[];
  #order = $state.raw<readonly string[]>([]);
  #widths = $state.raw<Readonly<Record<string, number>>>({});
  /** Widths that suit what is shown now, where the user has not set one: the digits of the largest number, of the times. */
  fit = $state.raw<Readonly<Record<string, number>>>({});

  /** In the user's order. */
  readonly columns: readonly GridColumn[] = $derived.by(() =>
    this.#order.map((id) => this.#all.find((column) => column.id === id)).filter((column) => column !== undefined),
  );
  /** For `grid-template-columns`. */
  readonly template: string = $derived(
    this.columns
      .map((column) => (column.grows === true ? `minmax(${String(this.width(column))}px, 1fr)` : `${String(this.width(column))}px`))
      .join(' '),
  );
  /** Least width of a row; the grid scrolls sideways below it. */
  readonly total: number = $derived(this.columns.reduce((sum, column) => sum + this.width(column), 0));

  constructor(key: string, all: readonly GridColumn[]) {
    this.#key = `columns.${key}`;
    this.#all = all;
    const stored = recall(this.#key, VERSION, isStored);
    const known = (stored?.order ?? []).filter((id) => all.some((column) => column.id === id));
    // A column newer than the memory is put where it stands by default.
    const order = [...known];
    all.forEach((column, at) => {
      if (!known.includes(column.id)) order.splice(Math.min(at, order.length), 0, column.id);
    });
    this.#order = order;
    this.#widths = stored?.widths ?? {};
  }

  width(column: GridColumn): number {
    return clampWidth(this.#widths[column.id] ?? this.fit[column.id] ?? column.width);
  }

  resize(id: string, px: number): void {
    this.#widths = { ...this.#widths, [id]: clampWidth(px) };
    this.#store();
  }

  resetWidth(id: string): void {
    this.#widths = Object.fromEntries(Object.entries(this.#widths).filter(([other]) => other !== id));
    this.#store();
  }

  /** Moves a column to stand where another stands now. */
  moveTo(id: string, beforeOrAfter: string): void {
    const from = this.#order.indexOf(id);
    const to = this.#order.indexOf(beforeOrAfter);
    if (from < 0 || to < 0 || from === to) return;
    const order = this.#order.filter((other) => other !== id);
    order.splice(to, 0, id);
    this.#order = order;
    this.#store();
  }

  shift(id: string, by: 1 | -1): void {
    const neighbour = this.#order[this.#order.indexOf(id) + by];
    if (neighbour !== undefined) this.moveTo(id, neighbour);
  }

  #store(): void {
    remember(this.#key, VERSION, { order: this.#order, widths: this.#widths });
  }
}
