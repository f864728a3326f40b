import { lookup, MAX_LAYERS, type DissectContext, type Dissector, type TableName } from './registry.ts';
import { showBytes } from './reader.ts';

/** Bytes that no dissector claims, shown as they are. */
export function dissectData(context: DissectContext, start: number, end: number): void {
  const lenBytes = Math.max(0, context.wireEnd - start);
  if (end <= start && lenBytes === 0) return;
  const { tree } = context;
  tree.layer('data', `Data (${lenBytes} byte${lenBytes === 1 ? '' : 's'})`, start, end - start);
  if (!tree.columnsOnly) {
    if (end > start) tree.field('data.data', 'Data', showBytes(context.bytes, start, end), start, end - start);
    tree.field('data.len', 'Length', String(lenBytes), start, 0, { raw: lenBytes, generated: true });
    if (end - start < lenBytes) tree.expert('note', '[Packet size limited during capture]');
  }
  tree.close();
}

/**
 * Hands bytes [start, end) on to the next layer, or shows them as data where there is none. `wireEnd` is where they ended
 * on the wire; without it, at `end`. Nothing happens for no bytes at all.
 */
export function passOn(context: DissectContext, dissector: Dissector | undefined, start: number, end: number, wireEnd = end): void {
  const savedWireEnd = context.wireEnd;
  context.wireEnd = Math.max(wireEnd, end, start);
  if (end > start || context.wireEnd > start) {
    context.layerDepth++;
    if (dissector === undefined || context.layerDepth > MAX_LAYERS) dissectData(context, start, Math.max(start, end));
    else dissector(context, start, Math.max(start, end));
    context.layerDepth--;
  }
  context.wireEnd = savedWireEnd;
}

/** As passOn, with the dissector a table has for a number. */
export function passTo(context: DissectContext, table: TableName, value: number, start: number, end: number, wireEnd = end): void {
  passOn(context, lookup(table, value), start, end, wireEnd);
}
