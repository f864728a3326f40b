import type { FieldNode } from '../contract/index.ts';
import { frameLayer, type FrameInfo } from './frame.ts';
import { passTo } from './payload.ts';
import { registerAll } from './register-all.ts';
import { lookup, type DissectContext } from './registry.ts';
import { TreeBuilder } from './tree.ts';

/** Columns of the packet list. */
export interface Columns {
  readonly source: string;
  readonly destination: string;
  readonly protocol: string;
  readonly info: string;
}

export interface Dissection {
  /** One tree a layer, the `frame` pseudo layer first. */
  readonly layers: FieldNode[];
  readonly columns: Columns;
  /** `eth:ethertype:ip:tcp`, as in frame.protocols. */
  readonly layerNames: readonly string[];
  /** Nodes left out because the tree reached a limit. */
  readonly refusedNodes: number;
  /** What went wrong inside a dissector, which is a bug of ours: the layers before it are kept. */
  readonly bug?: string;
}

/** How often a dissector failed since the start. Anything but zero is a bug; the fuzz tests hold it at zero. */
export const dissectorBugs = { count: 0, last: '' };

function newContext(bytes: Uint8Array, tree: TreeBuilder, origLenBytes: number): DissectContext {
  const wireEnd = Math.max(origLenBytes, bytes.length);
  return {
    bytes,
    tree,
    cutBytes: wireEnd - bytes.length,
    wireEnd,
    ipVersion: 0,
    ipSource: 0,
    ipDestination: 0,
    fragment: false,
    fragmented: false,
    inError: false,
    sourcePort: 0,
    destinationPort: 0,
    tunnels: 0,
    layerDepth: 0,
    networkEnd: -1,
  };
}

/** Runs the dissectors. Returns what failed, if one did: a window must not lose a packet to our own mistake. */
function run(context: DissectContext, linkType: number): string | undefined {
  registerAll();
  try {
    passTo(context, 'linktype', linkType, 0, context.bytes.length, context.wireEnd);
    return undefined;
  } catch (error) {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    dissectorBugs.count++;
    dissectorBugs.last = text;
    return text;
  }
}

function columnsOf(tree: TreeBuilder, linkType: number): Columns {
  const known = tree.protocol !== '';
  return {
    source: tree.source,
    destination: tree.destination,
    protocol: known ? tree.protocol : 'Unknown',
    info: known
      ? tree.info
      : lookup('linktype', linkType) === undefined
        ? `Link type ${linkType} is not dissected`
        : 'No bytes were captured',
  };
}

/** The captured bytes alone, where the caller's array is longer than the packet. */
function captured(bytes: Uint8Array, capLenBytes: number): Uint8Array {
  return capLenBytes < bytes.length ? bytes.subarray(0, Math.max(0, capLenBytes)) : bytes;
}

/**
 * Dissects one packet: the first `capLenBytes` of `bytes`, of a packet that had `origLenBytes` on the wire. `linkType` is a
 * LINKTYPE_ number. Never throws, whatever the bytes.
 */
export function dissectPacket(bytes: Uint8Array, linkType: number, capLenBytes: number, origLenBytes: number, info: FrameInfo): Dissection {
  const tree = new TreeBuilder();
  const context = newContext(captured(bytes, capLenBytes), tree, origLenBytes);
  const setProtocols = frameLayer(tree, info, linkType, context.bytes.length, context.wireEnd);
  tree.layers.length = 0;
  const bug = run(context, linkType);
  setProtocols(tree.layers.join(':'));
  const result = { layers: tree.root, columns: columnsOf(tree, linkType), layerNames: tree.layers, refusedNodes: tree.refused };
  return bug === undefined ? result : { ...result, bug };
}

/** Only the packet list columns, at a fraction of the cost: no tree is built. */
export function summarize(bytes: Uint8Array, linkType: number, capLenBytes: number, origLenBytes: number): Columns {
  const tree = new TreeBuilder(true);
  run(newContext(captured(bytes, capLenBytes), tree, origLenBytes), linkType);
  return columnsOf(tree, linkType);
}
