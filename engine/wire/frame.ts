import type { TreeBuilder } from './tree.ts';

/** What the file knows of a packet that its bytes do not say. */
export interface FrameInfo {
  /** 1-based. */
  readonly number: number;
  /** Nanoseconds since the first packet of the input. */
  readonly timeRelativeNs?: number;
  /** Nanoseconds since 1970, as text of a decimal number with nine digits of fraction. */
  readonly timeEpoch?: string;
  readonly interfaceId?: number;
  readonly interfaceName?: string;
  readonly comments?: readonly string[];
}

/** The pseudo layer before all others. `protocols` is filled in when the layers are known. */
export function frameLayer(
  tree: TreeBuilder,
  info: FrameInfo,
  linkType: number,
  capLenBytes: number,
  lenBytes: number,
): (protocols: string) => void {
  const node = tree.layer('frame', 'Frame', 0, capLenBytes);
  node.value = `${info.number}: ${lenBytes} bytes on wire (${lenBytes * 8} bits), ${capLenBytes} bytes captured (${capLenBytes * 8} bits)`;
  const generated = { generated: true } as const;
  if (info.interfaceId !== undefined) {
    const name = info.interfaceName === undefined ? '' : ` (${info.interfaceName})`;
    tree.field('frame.interface_id', 'Interface id', `${info.interfaceId}${name}`, 0, 0, { ...generated, raw: info.interfaceId });
  }
  tree.field('frame.linktype', 'Link type', String(linkType), 0, 0, { ...generated, raw: linkType });
  if (info.timeEpoch !== undefined)
    tree.field('frame.time_epoch', 'Epoch Time', `${info.timeEpoch} seconds`, 0, 0, { ...generated, raw: info.timeEpoch });
  if (info.timeRelativeNs !== undefined) {
    const seconds = info.timeRelativeNs / 1e9;
    tree.field('frame.time_relative', 'Time since first frame', `${seconds.toFixed(9)} seconds`, 0, 0, { ...generated, raw: seconds });
  }
  tree.field('frame.number', 'Frame Number', String(info.number), 0, 0, { ...generated, raw: info.number });
  tree.field('frame.len', 'Frame Length', `${lenBytes} bytes (${lenBytes * 8} bits)`, 0, 0, { ...generated, raw: lenBytes });
  tree.field('frame.cap_len', 'Capture Length', `${capLenBytes} bytes (${capLenBytes * 8} bits)`, 0, 0, { ...generated, raw: capLenBytes });
  for (const comment of info.comments ?? []) tree.field('frame.comment', 'Comment', comment, 0, 0, { ...generated, raw: comment });
  const protocolsNode = tree.field('frame.protocols', 'Protocols in frame', '', 0, 0, generated);
  if (capLenBytes < lenBytes) tree.expert('note', `Packet size limited during capture: ${lenBytes - capLenBytes} bytes are missing`);
  tree.close();
  return (protocols) => {
    protocolsNode.value = protocols;
    protocolsNode.raw = protocols;
  };
}
