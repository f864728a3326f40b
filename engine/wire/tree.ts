import type { FieldNode, Severity } from '../contract/index.ts';

/**
 * Builds the field tree of one packet. Dissectors open a layer, add fields with the byte range each came from, and
 * close it. Only for packets a person looks at: it allocates. The per-packet path uses classify.ts instead.
 *
 * Offsets given to the builder are offsets into the packet's captured bytes.
 */
export interface FieldOptions {
  /** The value as a program would want it (`tshark -T fields`): a number, or the text of an address. */
  readonly raw?: number | string | boolean;
  /** Computed by the dissector, not present in the bytes. Shown in brackets. */
  readonly generated?: boolean;
}

/** Limit on nodes in one tree: a hostile packet cannot make the window build more than this. */
export const MAX_TREE_NODES = 8_192;
/** Limit on nesting: tunnels in tunnels stop here and the rest is shown as bytes. */
export const MAX_TREE_DEPTH = 64;

export class TreeBuilder {
  readonly root: FieldNode[] = [];
  /** Names of the layers met, outermost first: `eth:ethertype:ip:tcp`. */
  readonly layers: string[] = [];
  /** Only the packet list columns are wanted: no node is kept, and dissectors may leave out work that only makes nodes. */
  readonly columnsOnly: boolean;
  /** Nodes refused because a limit above was reached. */
  refused = 0;
  private readonly stack: FieldNode[] = [];
  private nodes = 0;
  /** Depth that a layer starts at: above 0 inside a packet quoted in an error message. */
  private base = 0;
  private locks = 0;
  private sourceText = '';
  private destinationText = '';
  private protocolText = '';
  private infoText = '';

  constructor(columnsOnly = false) {
    this.columnsOnly = columnsOnly;
  }

  /** Packet list columns; the innermost layer that sets one wins, except inside a quoted packet (see `quote`). */
  get source(): string {
    return this.sourceText;
  }
  set source(text: string) {
    if (this.locks === 0) this.sourceText = text;
  }
  get destination(): string {
    return this.destinationText;
  }
  set destination(text: string) {
    if (this.locks === 0) this.destinationText = text;
  }
  get protocol(): string {
    return this.protocolText;
  }
  set protocol(text: string) {
    if (this.locks === 0) this.protocolText = text;
  }
  get info(): string {
    return this.infoText;
  }
  set info(text: string) {
    if (this.locks === 0) this.infoText = text;
  }

  /** True where text for the columns is of use: dissectors may skip building it otherwise. */
  get columnsOpen(): boolean {
    return this.locks === 0;
  }

  /** Opens a layer or a subtree. Every open has its close. */
  open(name: string, label: string, offset: number, length: number, options?: FieldOptions): FieldNode {
    const raw = options?.raw;
    const node: FieldNode =
      raw === undefined
        ? { name, label, value: '', offset, length, children: [] }
        : { name, label, value: '', offset, length, children: [], raw };
    if (options?.generated === true) node.generated = true;
    if (!this.columnsOnly) this.attach(node);
    this.stack.push(node);
    return node;
  }

  /** Opens a protocol layer: like open, at the top level, and remembered in `layers`. */
  layer(name: string, label: string, offset: number, length: number): FieldNode {
    this.layers.push(name);
    this.stack.length = this.base;
    return this.open(name, label, offset, length);
  }

  field(name: string, label: string, value: string, offset: number, length: number, options?: FieldOptions): FieldNode {
    // Made with its raw value at once: adding a property later is what costs here.
    const raw = options?.raw;
    const node: FieldNode = raw === undefined ? { name, label, value, offset, length } : { name, label, value, offset, length, raw };
    if (options?.generated === true) node.generated = true;
    if (!this.columnsOnly) this.attach(node);
    return node;
  }

  close(): void {
    if (this.stack.length > this.base) this.stack.pop();
  }

  /**
   * Runs `body` with layers nested under the innermost open node and the columns left alone: for a packet quoted inside
   * another, such as in an ICMP error.
   */
  quote(body: () => void): void {
    const base = this.base;
    this.base = this.stack.length;
    this.locks++;
    body();
    this.locks--;
    this.stack.length = this.base;
    this.base = base;
  }

  /** A finding about the innermost open node, in Wireshark's sense of expert information. */
  expert(severity: Severity, message: string): void {
    const node = this.stack.at(-1);
    if (node === undefined || this.columnsOnly) return;
    (node.experts ??= []).push({ severity, message });
  }

  get depth(): number {
    return this.stack.length;
  }

  private attach(node: FieldNode): void {
    if (this.nodes >= MAX_TREE_NODES || this.stack.length >= MAX_TREE_DEPTH) {
      this.refused++;
      return;
    }
    this.nodes++;
    const parent = this.stack.at(-1);
    if (parent === undefined) this.root.push(node);
    else (parent.children ??= []).push(node);
  }
}
