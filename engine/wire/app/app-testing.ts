import type { FieldNode } from '../../contract/index.ts';
import { fromHex } from '../../base/index.ts';
import { assertDefined } from '../../base/index.ts';
import { lookupPayload } from '../registry.ts';
import type { DissectContext, Dissector } from '../registry.ts';
import { TreeBuilder } from '../tree.ts';
import { dissectData } from '../payload.ts';

/** For tests: runs application dissectors on a payload that has no packet around it. */
export function contextFor(bytes: Uint8Array, sourcePort: number, destinationPort: number, cutBytes = 0): DissectContext {
  return {
    bytes,
    tree: new TreeBuilder(),
    cutBytes,
    wireEnd: bytes.length + cutBytes,
    ipVersion: 0,
    ipSource: 0,
    ipDestination: 0,
    fragment: false,
    fragmented: false,
    inError: false,
    sourcePort,
    destinationPort,
    tunnels: 0,
    layerDepth: 0,
    networkEnd: -1,
  };
}

/** The tree of a payload, through the port tables and heuristics as a packet would be. */
export function payloadTree(over: 'udp' | 'tcp', bytes: Uint8Array, sourcePort: number, destinationPort: number): TreeBuilder {
  const context = contextFor(bytes, sourcePort, destinationPort);
  const dissector: Dissector = lookupPayload(over, context, 0, bytes.length) ?? dissectData;
  dissector(context, 0, bytes.length);
  return context.tree;
}

/** Calls `visit` with every node, parents first. */
export function walk(nodes: readonly FieldNode[], visit: (node: FieldNode, depth: number) => void, depth = 0): void {
  for (const node of nodes) {
    visit(node, depth);
    walk(node.children ?? [], visit, depth + 1);
  }
}

/** Values of all fields of a name, in order: the raw value where there is one. */
export function values(nodes: readonly FieldNode[], name: string): (string | number | boolean)[] {
  const found: (string | number | boolean)[] = [];
  walk(nodes, (node) => {
    if (node.name === name) found.push(node.raw ?? node.value);
  });
  return found;
}

/** Finding texts in the whole tree. */
export function findings(nodes: readonly FieldNode[]): string[] {
  const found: string[] = [];
  walk(nodes, (node) => found.push(...(node.experts ?? []).map((expert) => expert.message)));
  return found;
}

/** Bytes of a hex text known to be right. */
export function bytesOf(text: string): Uint8Array {
  return assertDefined(fromHex(text), 'test bytes are hex');
}

export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
