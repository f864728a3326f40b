import { newCapDevice, type CapDevice } from './cap-module.ts';

/** `cap` opens an interface for both ways and must be given a buffer: this small one is never used, because the filter takes no packet. */
const UNUSED_BUFFER_BYTES = 65_536;
/** No packet is that short; a filter that says so plainly is refused. */
const NOTHING = 'less 1';

/** Held for the life of the process: `cap` keeps a raw pointer to the buffer it was given. */
const held: unknown[] = [];

/** Sends whole frames on an interface. Only in the main thread: `cap` ends the process in another. */
export class Injector {
  /** Frames that the kernel did not take: its queue was full, or the interface is down. */
  refused = 0;
  /** What it said last. */
  why = '';
  private readonly device: CapDevice;

  /** Throws where `cap` was not compiled or the interface may not be opened. */
  constructor(device: string) {
    const buffer = Buffer.alloc(UNUSED_BUFFER_BYTES);
    this.device = newCapDevice();
    held.push(buffer, this.device);
    this.device.open(device, NOTHING, UNUSED_BUFFER_BYTES, buffer);
  }

  /** Sends the first `lengthBytes` of `frame`; false where the kernel did not take them, which is counted. */
  send(frame: Uint8Array, lengthBytes: number): boolean {
    try {
      this.device.send(frame, lengthBytes);
      return true;
    } catch (error) {
      this.refused++;
      this.why = error instanceof Error ? error.message : String(error);
      return false;
    }
  }

  close(): void {
    this.device.close();
  }
}
