/** Canvas at the screen's own resolution, and colours read from the theme's tokens. */

export interface Surface {
  readonly context: CanvasRenderingContext2D;
  /** CSS pixels; the context is scaled so that one unit is one CSS pixel. */
  readonly width: number;
  readonly height: number;
}

/**
 * Gives the canvas a backing store of its CSS size times the device pixel ratio, clears it, and answers a context in CSS pixels.
 * Null while the canvas has no size or no context. The caller knows the size (from a ResizeObserver): nothing is measured here, so that
 * drawing never forces a layout.
 */
export function prepareCanvas(canvas: HTMLCanvasElement, width: number, height: number): Surface | null {
  if (width < 1 || height < 1) return null;
  const ratio = window.devicePixelRatio || 1;
  const pixelWidth = Math.round(width * ratio);
  const pixelHeight = Math.round(height * ratio);
  if (canvas.width !== pixelWidth) canvas.width = pixelWidth;
  if (canvas.height !== pixelHeight) canvas.height = pixelHeight;
  const context = canvas.getContext('2d');
  if (!context) return null;
  context.setTransform(pixelWidth / width, 0, 0, pixelHeight / height, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** A colour of the palette with an opacity. Tokens are `#rrggbb`; anything else is left to `color-mix`. */
export function withAlpha(colour: string, alpha: number): string {
  if (/^#[0-9a-f]{6}$/i.test(colour)) {
    const byte = Math.round(Math.min(1, Math.max(0, alpha)) * 255);
    return colour + byte.toString(16).padStart(2, '0');
  }
  return `color-mix(in srgb, ${colour} ${Math.round(alpha * 100)}%, transparent)`;
}
