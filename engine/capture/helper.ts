/**
 * The capture helper for the `cap` backend: a process of its own, one for each interface. It writes a pcap stream with
 * nanosecond time stamps to standard output.
 *
 * Why a process: `cap` keeps a raw pointer to the buffer it was given, delivers nothing in a worker thread, and can abort
 * the process. So Cap and Buffer are held for the life of the process and are never collected; the end is the end of the process.
 *
 * Arguments: DEVICE SNAPLEN [FILTER], or --send DEVICE to send the frames that come on standard input (see send-frames.ts). Standard error carries one JSON line for an error, then the process ends with code 1.
 */
import { writeSync } from 'node:fs';
import { newCapDevice, type CapDevice } from './cap-module.ts';
import { sendFrames } from './send-frames.ts';
import { putRecordHeader, pcapHeader, RECORD_HEADER_BYTES } from './pcap-stream.ts';

/** Kernel buffer of the capture, in bytes: half a second of IMIX at 0.15 M packets/s with receive offloads off. */
const KERNEL_BUFFER_BYTES = 32 * 1024 * 1024;
/** Largest frame that `cap` hands over: an aggregated super-packet. */
const FRAME_BYTES = 65_536;
/** Output is collected up to this many bytes, or until the event loop comes round, whichever is first. */
const OUTPUT_BYTES = 1024 * 1024;

/** Link types by the names `cap` gives; numbers from the pcap link-type registry. */
const LINK_TYPES: Readonly<Record<string, number>> = { ETHERNET: 1, NULL: 0, RAW: 101, LINKTYPE_LINUX_SLL: 113, IEEE802_11_RADIO: 127 };

/** Held for the life of the process: see above. */
const held: unknown[] = [];

function fail(message: string): never {
  process.stderr.write(`${JSON.stringify({ error: message })}\n`);
  process.exit(1);
}

function send(device: string): void {
  // Ctrl+C of the terminal comes to every process of the command; this one ends with its input.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  try {
    sendFrames(device);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

function main(): void {
  if (process.argv[2] === '--send') {
    send(process.argv[3] ?? '');
    return;
  }
  const [device = '', snapText = '', filter = ''] = process.argv.slice(2);
  const snapLen = Number(snapText);
  if (device === '' || !Number.isInteger(snapLen) || snapLen < 1) fail('usage: capture-helper DEVICE SNAPLEN [FILTER]');

  let capture: CapDevice;
  try {
    capture = newCapDevice();
  } catch (error) {
    fail(`the module cap cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
  const frame = Buffer.alloc(FRAME_BYTES);
  held.push(capture, frame);

  let linkType: number | undefined;
  try {
    linkType = LINK_TYPES[capture.open(device, filter, KERNEL_BUFFER_BYTES, frame)];
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
  if (linkType === undefined) fail(`interface ${device} has a link type that cap does not name`);
  capture.setMinBytes?.(0);

  const output = Buffer.alloc(OUTPUT_BYTES + FRAME_BYTES + RECORD_HEADER_BYTES);
  let used = 0;
  let flushPlanned = false;
  const flush = (): void => {
    let from = 0;
    while (from < used) {
      try {
        from += writeSync(1, output, from, used - from);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') process.exit(0); // the reader is gone
      }
    }
    used = 0;
    flushPlanned = false;
  };

  output.set(pcapHeader(linkType, snapLen), 0);
  used = pcapHeader(linkType, snapLen).length;
  flush();

  // The wall clock has microseconds at best; the monotonic clock gives the steps between packets.
  const originNs = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
  capture.on('packet', (bytes, truncated) => {
    const now = originNs + process.hrtime.bigint();
    const capLen = Math.min(bytes, snapLen, FRAME_BYTES);
    // `cap` does not tell the length on the wire of a frame longer than its buffer: at least one byte more.
    const origLen = truncated ? Math.max(bytes, FRAME_BYTES) + 1 : bytes;
    used += putRecordHeader(output, used, now, capLen, origLen);
    frame.copy(output, used, 0, capLen);
    used += capLen;
    if (used >= OUTPUT_BYTES) flush();
    else if (!flushPlanned) {
      flushPlanned = true;
      setImmediate(flush);
    }
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      flush();
      process.exit(0);
    });
  }
}

main();
