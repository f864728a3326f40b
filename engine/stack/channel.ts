import { assert } from '../base/index.ts';
import type { Arena, Region } from './arena.ts';

/**
 * What a process opens on a nexus port (S-04). The schema is the read-only descriptor at the head of its map:
 *
 *     word 0  magic "SKYW"      4  number of rings
 *          1  version           5  ring 0: kind (0 RX, 1 TX)
 *          2  flags, bit 0:     6          queue
 *             active            7          slots
 *          3  port number       8  ring 1 ...
 */
export const SCHEMA_MAGIC = 0x534b5957;
export const SCHEMA_VERSION = 1;
const SCHEMA_ACTIVE = 1;
const RING_WORDS = 3;
const HEAD_WORDS = 5;

export interface ChannelRing {
  readonly kind: 'rx' | 'tx';
  readonly queue: number;
  readonly slots: number;
}

/** Who opens a channel. A port may ask for any of the three. */
export interface Credentials {
  readonly pid: number;
  readonly executable: string;
  readonly key?: string;
}

export class Channel {
  readonly port: number;
  readonly owner: Credentials;
  /** Where the schema lies; undefined for a channel outside an arena. */
  readonly region: Region | undefined;
  private readonly schema: Int32Array;
  /** The kernel's own word for it: the schema may be a zero page by then. */
  private closed = false;
  private readonly onClose: (channel: Channel) => void;

  constructor(
    schema: Int32Array,
    port: number,
    rings: readonly ChannelRing[],
    owner: Credentials,
    onClose: (channel: Channel) => void,
    region?: Region,
  ) {
    assert(schema.length >= Channel.schemaWords(rings.length), 'the schema region holds every ring');
    this.schema = schema;
    this.port = port;
    this.owner = owner;
    this.onClose = onClose;
    this.region = region;
    schema[0] = SCHEMA_MAGIC;
    schema[1] = SCHEMA_VERSION;
    schema[2] = SCHEMA_ACTIVE;
    schema[3] = port;
    schema[4] = rings.length;
    rings.forEach((ring, i) => {
      schema[HEAD_WORDS + i * RING_WORDS] = ring.kind === 'rx' ? 0 : 1;
      schema[HEAD_WORDS + i * RING_WORDS + 1] = ring.queue;
      schema[HEAD_WORDS + i * RING_WORDS + 2] = ring.slots;
    });
  }

  static schemaWords(rings: number): number {
    return HEAD_WORDS + rings * RING_WORDS;
  }

  /** Space for a schema in the arena, or undefined if it is full: a normal result (S-03). */
  static region(arena: Arena, owner: string, rings: number): Region | undefined {
    return arena.region('schema', owner, Channel.schemaWords(rings) * 4, 'mapped');
  }

  get active(): boolean {
    return (this.schema[2]! & SCHEMA_ACTIVE) !== 0;
  }

  /** Rings as the schema lists them. */
  rings(): ChannelRing[] {
    return Array.from({ length: this.schema[4]! }, (_, i) => ({
      kind: this.schema[HEAD_WORDS + i * RING_WORDS] === 0 ? ('rx' as const) : ('tx' as const),
      queue: this.schema[HEAD_WORDS + i * RING_WORDS + 1]!,
      slots: this.schema[HEAD_WORDS + i * RING_WORDS + 2]!,
    }));
  }

  /** Gives the port back. The schema stays readable and says that the channel is no longer active. Once is enough. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.schema[2] = 0;
    this.onClose(this);
  }
}
