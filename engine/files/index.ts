/** Capture files: read, index, summarise, write. Everything other modules may use. */
export * from './types.ts';
export { REASONS, FindingLog, MAX_FINDINGS, MAX_FINDINGS_PER_REASON, type Finding, type Reason } from './findings.ts';
export { memoryByteSource, PushByteSource, MAX_PUSHED_BYTES, NOTHING_YET, type ByteSource } from './byte-source.ts';
export { fileByteSource, descriptorByteSource } from './file-source.ts';
export { detectFormat, DETECT_BYTES, type CaptureFormat, type Detected } from './detect.ts';
export { openCapture, openCaptureSync, openSource, type CaptureFile, type OpenOptions } from './open.ts';
export { TempFolder, sweepTempFolders } from './temp-folder.ts';
export { haveZstd, MAX_UNPACKED_BYTES } from './unpack.ts';
export { linkTypeName } from './link-types.ts';
export {
  PacketIndex,
  IndexSegment,
  SEGMENT_ROWS,
  INDEX_BYTES_PER_PACKET,
  MAX_PACKETS,
  FLOW_REVERSED,
  type SharedIndex,
  type IndexTotals,
  type Timeline,
} from './packet-index.ts';
export { buildIndex, PacketAccess, type BuildOptions } from './build-index.ts';
export { atomicFile, MemorySink, type ByteSink } from './atomic-file.ts';
export { PcapWriter, PcapngWriter, type CaptureWriter, type WriterInterface, type WriterOptions, type WriterStatistics } from './writer.ts';
export { captureInfo, sha256File, type CaptureInfo, type InfoOptions, type InterfaceSummary } from './info.ts';
