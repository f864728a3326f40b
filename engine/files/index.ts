/** Capture files: read, index, summarise, write. Everything other modules may use. */
export * from './types.ts';
export { REASONS, FindingLog, MAX_FINDINGS, type Finding, type Reason } from './findings.ts';
export { memoryByteSource, PushByteSource, type ByteSource } from './byte-source.ts';
export { fileByteSource, descriptorByteSource } from './file-source.ts';
export { detectFormat, type CaptureFormat } from './detect.ts';
export { openCapture, openCaptureSync, openSource, type CaptureFile } from './open.ts';
export { TempFolder, sweepTempFolders } from './temp-folder.ts';
export { haveZstd } from './unpack.ts';
export { linkTypeName } from './link-types.ts';
export {
  PacketIndex,
  SEGMENT_ROWS,
  INDEX_BYTES_PER_PACKET,
  MAX_PACKETS,
  FLOW_REVERSED,
  type SharedIndex,
  type Timeline,
} from './packet-index.ts';
export { atomicFile, MemorySink, type ByteSink } from './atomic-file.ts';
export { PCAP_RECORD_BYTES, PcapWriter, PcapngWriter, type CaptureWriter } from './writer.ts';
export { captureInfo, sha256File, type CaptureInfo, type InfoOptions, type InterfaceSummary } from './info.ts';
