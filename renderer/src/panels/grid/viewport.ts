/**
 * Scrolling over any number of rows. Chromium stops elements at 33.5 M px, which 22 px rows reach at 1.5 million; so the position is kept here,
 * as the offset of the first visible pixel in a double (exact to a fraction of a pixel for 10^11 rows), and the list draws its own
 * scroll bar. Wheel and keys move by exact pixels whatever the number of rows; only dragging the thumb is as coarse as the screen.
 */

/** Rows are moved around an anchor that is set anew this often, so that no CSS length ever gets near the limit of exactness (2^24). */
const ANCHOR_SPAN_PX = 1_000_000;
/** A thumb smaller than this cannot be grabbed. */
export const MIN_THUMB_PX = 28;

export interface Thumb {
  readonly topPx: number;
  readonly sizePx: number;
}

export class Viewport {
  readonly rowHeight: number;
  #rows = 0;
  #height = 0;
  #top = 0;
  #anchor = 0;

  constructor(rowHeight: number) {
    this.rowHeight = rowHeight;
  }

  get rows(): number {
    return this.#rows;
  }
  get height(): number {
    return this.#height;
  }
  /** Offset of the first visible pixel. */
  get top(): number {
    return this.#top;
  }
  get maxTop(): number {
    return Math.max(0, this.#rows * this.rowHeight - this.#height);
  }
  get atEnd(): boolean {
    return this.#top >= this.maxTop - 0.5;
  }

  /** Index of the first row that shows, whole or in part. */
  get first(): number {
    return Math.floor(this.#top / this.rowHeight);
  }
  /** One past the last row that shows, whole or in part. */
  get end(): number {
    return Math.min(this.#rows, Math.ceil((this.#top + this.#height) / this.rowHeight));
  }
  /** Whole rows that fit: what Page Up and Page Down move by, at least one. */
  get page(): number {
    return Math.max(1, Math.floor(this.#height / this.rowHeight));
  }

  /** Where the layer of rows stands, and where a row stands inside it. */
  get layerOffset(): number {
    return this.#anchor - this.#top;
  }
  rowOffset(index: number): number {
    return index * this.rowHeight - this.#anchor;
  }
  get anchor(): number {
    return this.#anchor;
  }

  resize(height: number): void {
    this.#height = Math.max(0, height);
    this.scrollTo(this.#top);
  }

  setRows(rows: number): void {
    this.#rows = Math.max(0, Math.floor(rows));
    this.scrollTo(this.#top);
  }

  /** Answers whether anything moved. */
  scrollTo(top: number): boolean {
    const next = Math.min(this.maxTop, Math.max(0, Number.isFinite(top) ? top : 0));
    const moved = next !== this.#top;
    this.#top = next;
    if (Math.abs(next - this.#anchor) > ANCHOR_SPAN_PX) this.#anchor = Math.floor(next / this.rowHeight) * this.rowHeight;
    return moved;
  }

  scrollBy(deltaPx: number): boolean {
    return this.scrollTo(this.#top + deltaPx);
  }

  /** Least movement that shows the row whole. */
  reveal(index: number): boolean {
    const rowTop = index * this.rowHeight;
    if (rowTop < this.#top) return this.scrollTo(rowTop);
    if (rowTop + this.rowHeight > this.#top + this.#height) return this.scrollTo(rowTop + this.rowHeight - this.#height);
    return false;
  }

  /** As reveal, but a row that is out of sight lands about the middle, with a whole row at the top: for jumps, so that what is around it is seen. */
  revealCentred(index: number): boolean {
    const rowTop = index * this.rowHeight;
    if (rowTop >= this.#top && rowTop + this.rowHeight <= this.#top + this.#height) return false;
    const above = Math.floor((this.#height - this.rowHeight) / 2 / this.rowHeight);
    return this.scrollTo(rowTop - above * this.rowHeight);
  }

  /** The thumb on a track of this length; a thumb as long as the track where everything fits. */
  thumb(trackPx: number): Thumb {
    const content = this.#rows * this.rowHeight;
    if (content <= this.#height || trackPx <= 0) return { topPx: 0, sizePx: Math.max(0, trackPx) };
    const sizePx = Math.min(trackPx, Math.max(MIN_THUMB_PX, (this.#height / content) * trackPx));
    return { topPx: (this.#top / this.maxTop) * (trackPx - sizePx), sizePx };
  }

  /** Position for a thumb dragged to here. Both ends of the track are both ends of the list, exactly. */
  topForThumb(thumbTopPx: number, trackPx: number): number {
    const room = trackPx - this.thumb(trackPx).sizePx;
    if (room <= 0) return 0;
    return Math.min(1, Math.max(0, thumbTopPx / room)) * this.maxTop;
  }
}

/** Pixels of a wheel event, whatever unit the device speaks. */
export function wheelPixels(event: { deltaY: number; deltaMode: number }, rowHeight: number, pageHeight: number): number {
  if (event.deltaMode === 1) return event.deltaY * rowHeight;
  if (event.deltaMode === 2) return event.deltaY * pageHeight;
  return event.deltaY;
}
