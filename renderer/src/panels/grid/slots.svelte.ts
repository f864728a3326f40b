/** One row element of a grid, used again for whichever row is in sight. Fields are reactive and set only when they change. */
export class RowSlot<Row> {
  /** 0-based row shown, -1 while the slot is spare. */
  index = $state(-1);
  row = $state.raw<Row | undefined>(undefined);
  offsetPx = $state(0);

  show(index: number, row: Row | undefined, offsetPx: number): void {
    this.index = index;
    this.row = row;
    if (index >= 0) this.offsetPx = offsetPx;
  }
}

/** Row elements for a height: one more than fit, as the first and the last may both show in part. */
export function slotCount(heightPx: number, rowPx: number): number {
  return heightPx <= 0 ? 0 : Math.ceil(heightPx / rowPx) + 1;
}
