/** Capture files: read, index, summarise, write. Everything other modules may use. */
export * from './types.ts';
export { REASONS, FindingLog, MAX_FINDINGS, MAX_FINDINGS_PER_REASON, type Finding, type Reason } from './findings.ts';
export { memoryByteSource, PushByteSource, MAX_PUSHED_BYTES, NOTHING_YET, type ByteSource } from './byte-source.ts';
export { fileByteSource, descriptorByteSource } from './file-source.ts';
export { detectFormat, DETECT_BYTES, type CaptureFormat, type Detected } from './detect.ts';
export { openCapture, openCaptureSync, openSource, type CaptureFile, type OpenOptions } from './open.ts';
export { haveZstd, MAX_UNPACKED_BYTES } from './unpack.ts';
export { linkTypeName } from './link-types.ts';
