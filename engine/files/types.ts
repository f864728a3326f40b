import type { FindingLog } from './findings.ts';

/**
 * Bytes read from the file at a time. 256 KiB stays in the second-level cache while a batch is parsed and is large enough that
 * system calls cost nothing measurable.
 */
export const CHUNK_BYTES = 256 * 1024;

/** Records of one batch at most. A 256 KiB chunk of minimum-size frames (76 bytes each with header) fits. */
export const BATCH_CAPACITY = 4096;

/**
 * Captured bytes one record may claim when neither its interface nor its link type says more. The largest snap length
 * libpcap and Wireshark write for ordinary link types.
 */
export const MAX_CAPTURED_BYTES = 262_144;

/** Captured bytes a record may claim in any case: the largest D-Bus message, the most any link type carries. */
export const MAX_RECORD_BYTES = 128 * 1024 * 1024;

/** Interfaces of one input. The interface column has 16 bits. */
export const MAX_INTERFACES = 65_535;

/** One interface that a file describes. pcap and snoop have exactly one. Mutable only by the reader. */
export interface InterfaceInfo {
  /** Position in `PacketSource.interfaces`; counts on over sections. */
  readonly id: number;
  /** LINKTYPE value as registered at tcpdump.org. */
  readonly linkType: number;
  /** Largest captured length in bytes, 0 for no limit. */
  readonly snapLenBytes: number;
  /** Ticks a second of the timestamps in the file. */
  readonly ticksPerSecond: bigint;
  /** Seconds to add to every timestamp (if_tsoffset). */
  readonly tsOffsetSeconds: bigint;
  readonly section: number;
  readonly name?: string;
  readonly description?: string;
  readonly filter?: string;
  readonly os?: string;
  readonly hardware?: string;
  /** Bytes of frame check sequence at the end of every frame, where the file says so. */
  readonly fcsBytes?: number;
  readonly comments: string[];
  /** Packets of this interface read so far. */
  packets: number;
  /** Last interface statistics met in the file; decimal strings, because they are 64 bits wide. */
  statistics?: { received?: string; dropped?: string; filterAccepted?: string; osDropped?: string; delivered?: string };
  /** Drops noted in the packets themselves (epb_dropcount, obsolete packet block, snoop's cumulative drops). */
  noted: { drops: number };
}

export interface SectionInfo {
  readonly byteOrder: 'little' | 'big';
  readonly fileOffset: number;
  readonly hardware?: string;
  readonly os?: string;
  readonly application?: string;
  readonly comments: string[];
}

/** What a file tells beside packets. Every list has a limit in side-data.ts. */
export interface SideData {
  readonly sections: SectionInfo[];
  /** Comments by packet number, 1-based. */
  readonly packetComments: Map<number, string[]>;
  /** Address and names of name resolution blocks. */
  readonly names: { address: string; names: string[] }[];
  /** Decryption secrets are noted by kind and length; their contents are not kept. */
  readonly secrets: { kind: string; lenBytes: number }[];
  /** Blocks that are no packets, by name. */
  readonly blocks: Record<string, number>;
}

/** Reason -> how often. Reasons are the keys of REASONS. */
export type SkippedCounts = Readonly<Record<string, number>>;

/** Columns of a batch that are somewhere else, such as in the memory of a kernel. */
export type BatchColumns = Pick<RecordBatch, 'offset' | 'capLen' | 'origLen' | 'tsNs'>;

/**
 * Structure-of-arrays batch of records. `offset` points into `bytes`, which belongs to the reader: it holds until the next
 * `nextBatch`, and may be another array in every batch.
 */
export class RecordBatch {
  readonly capacity: number;
  count = 0;
  bytes: Uint8Array = new Uint8Array(0);
  /** Start of the captured bytes in `bytes`. */
  readonly offset: Uint32Array;
  readonly capLen: Uint32Array;
  readonly origLen: Uint32Array;
  /** ns since the first packet of the input that has a time; negative where time goes backwards past it. */
  readonly tsNs: Float64Array;
  /** Index into `PacketSource.interfaces`. */
  readonly iface: Uint16Array;
  readonly linkType: Uint16Array;
  /** Where the record (its header) starts in the file, after decompression. */
  readonly fileOffset: Float64Array;

  constructor(capacity: number = BATCH_CAPACITY, columns?: BatchColumns) {
    this.capacity = capacity;
    this.offset = columns?.offset ?? new Uint32Array(capacity);
    this.capLen = columns?.capLen ?? new Uint32Array(capacity);
    this.origLen = columns?.origLen ?? new Uint32Array(capacity);
    this.tsNs = columns?.tsNs ?? new Float64Array(capacity);
    this.iface = new Uint16Array(capacity);
    this.linkType = new Uint16Array(capacity);
    this.fileOffset = new Float64Array(capacity);
  }
}

/** A stream of packets: a file, a pipe or memory. Synchronous: meant for a worker thread. Never throws on what it reads. */
export interface PacketSource {
  /** `pcap`, `nsecpcap`, `pcapng`, `snoop`, ... in capinfos' spelling where it has one. */
  readonly format: string;
  /** Grows while a pcapng file is read. */
  readonly interfaces: readonly InterfaceInfo[];
  /** ns since 1970 of tsNs 0; 0n until the first packet with a time has been read. */
  readonly epochNs: bigint;
  /** True once a packet with a time has been read. */
  readonly hasEpoch: boolean;
  /** Earliest and latest true time, ns since 1970, of packets whose clock time had to be rounded; undefined if there was none. */
  readonly roundedRange: { readonly minNs: bigint; readonly maxNs: bigint } | undefined;
  /** Fills the batch. False at the end, with count 0; true with count 0 only for a live source that has nothing yet. */
  nextBatch(batch: RecordBatch): boolean;
  /** What was not delivered, by reason. */
  readonly skipped: SkippedCounts;
  /** All that is worth telling: what was skipped, and notes on what was kept. */
  readonly findings: FindingLog;
  readonly side: SideData;
  /** Bytes from the start of a record to its captured bytes, for reading at random; -1 where the record itself tells (pcapng). */
  readonly recordHeaderBytes: number;
  progress(): { bytesRead: number; bytesTotal: number };
  close(): void;
}
