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
  const add = (name: string, label: string, value: string, raw: number | string): void => {
    tree.field(name, label, value, 0, 0, { raw, generated: true });
  };
  if (info.interfaceId !== undefined) {
    const name = info.interfaceName === undefined ? '' : ` (${info.interfaceName})`;
    add('frame.interface_id', 'Interface id', `${info.interfaceId}${name}`, info.interfaceId);
  }
  add('frame.linktype', 'Link type', String(linkType), linkType);
  if (info.timeEpoch !== undefined) add('frame.time_epoch', 'Epoch Time', `${info.timeEpoch} seconds`, info.timeEpoch);
  if (info.timeRelativeNs !== undefined) {
    const seconds = info.timeRelativeNs / 1e9;
    add('frame.time_relative', 'Time since first frame', `${seconds.toFixed(9)} seconds`, seconds);
  }
  add('frame.number', 'Frame Number', String(info.number), info.number);
  add('frame.len', 'Frame Length', `${lenBytes} bytes (${lenBytes * 8} bits)`, lenBytes);
  add('frame.cap_len', 'Capture Length', `${capLenBytes} bytes (${capLenBytes * 8} bits)`, capLenBytes);
  for (const comment of info.comments ?? []) add('frame.comment', 'Comment', comment, comment);
  const protocolsNode = tree.field('frame.protocols', 'Protocols in frame', '', 0, 0, { raw: '', generated: true });
  if (capLenBytes < lenBytes) tree.expert('note', `Packet size limited during capture: ${lenBytes - capLenBytes} bytes are missing`);
  tree.close();
  return (protocols) => {
    protocolsNode.value = protocols;
    protocolsNode.raw = protocols;
  };
}
