import { err, ok, u16 } from '../../base/index.ts';
import type { Result } from '../../base/index.ts';
import { ByteWriter } from './writer.ts';

/** An extension of a hello (RFC 8446 section 4.2), its data as it stands in the message. */
export interface TlsExtension {
  readonly type: number;
  readonly data: Uint8Array;
}

/** ClientHello (RFC 8446 section 4.1.2). */
export interface ClientHello {
  readonly kind: 'client';
  /** `legacy_version`, such as 0x0303. */
  readonly version: number;
  /** 32 bytes. */
  readonly random: Uint8Array;
  /** 0 to 32 bytes. */
  readonly sessionId: Uint8Array;
  readonly cipherSuites: readonly number[];
  readonly compressions: Uint8Array;
  readonly extensions: readonly TlsExtension[];
}

/** ServerHello (RFC 8446 section 4.1.3). */
export interface ServerHello {
  readonly kind: 'server';
  readonly version: number;
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly cipherSuite: number;
  readonly compression: number;
  readonly extensions: readonly TlsExtension[];
}

export type TlsHelloError = 'not a hello' | 'short' | 'lengths disagree';

/** Reads through bytes with one flag for all reads past the end. */
class Reader {
  private readonly bytes: Uint8Array;
  private readonly end: number;
  at: number;
  short = false;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  run(length: number): Uint8Array {
    if (this.short || this.left < length) {
      this.short = true;
      return new Uint8Array(0);
    }
    this.at += length;
    return new Uint8Array(this.bytes.subarray(this.at - length, this.at));
  }

  u8(): number {
    return this.run(1)[0] ?? 0;
  }

  u16(): number {
    const pair = this.run(2);
    return this.short ? 0 : u16(pair, 0);
  }

  extensions(): TlsExtension[] {
    const list: TlsExtension[] = [];
    if (this.left === 0) return list;
    const length = this.u16();
    if (length !== this.left) this.short = true;
    while (!this.short && this.left > 0) list.push({ type: this.u16(), data: this.run(this.u16()) });
    return list;
  }
}

/** Parses one handshake message (type, length, body) that must fill [start, end). */
export function parseTlsHello(bytes: Uint8Array, start: number, end: number): Result<ClientHello | ServerHello, TlsHelloError> {
  if (end - start < 4 || end > bytes.length) return err('short');
  const type = bytes[start]!;
  if (type !== 1 && type !== 2) return err('not a hello');
  if (((bytes[start + 1]! << 16) | u16(bytes, start + 2)) !== end - start - 4) return err('lengths disagree');
  const r = new Reader(bytes, start + 4, end);
  const version = r.u16();
  const random = r.run(32);
  const sessionId = r.run(r.u8());
  if (type === 2) {
    const cipherSuite = r.u16();
    const compression = r.u8();
    const extensions = r.extensions();
    return r.short ? err('short') : ok({ kind: 'server', version, random, sessionId, cipherSuite, compression, extensions });
  }
  const suites = r.run(r.u16());
  if (suites.length % 2 !== 0) return err('lengths disagree');
  const cipherSuites = Array.from({ length: suites.length / 2 }, (_, i) => u16(suites, i * 2));
  const compressions = r.run(r.u8());
  const extensions = r.extensions();
  return r.short ? err('short') : ok({ kind: 'client', version, random, sessionId, cipherSuites, compressions, extensions });
}

/** The handshake message of a hello: type, length and body. */
export function buildTlsHello(hello: ClientHello | ServerHello): Uint8Array {
  const w = new ByteWriter();
  w.u8(hello.kind === 'client' ? 1 : 2).sized(3, () => {
    w.u16(hello.version).bytes(hello.random);
    w.sized(1, () => w.bytes(hello.sessionId));
    if (hello.kind === 'client') {
      w.sized(2, () => {
        for (const suite of hello.cipherSuites) w.u16(suite);
      });
      w.sized(1, () => w.bytes(hello.compressions));
    } else w.u16(hello.cipherSuite).u8(hello.compression);
    if (hello.extensions.length > 0) {
      w.sized(2, () => {
        for (const extension of hello.extensions) w.u16(extension.type).sized(2, () => w.bytes(extension.data));
      });
    }
  });
  return w.done();
}

/** A TLS record (RFC 8446 section 5.1) around a payload. */
export function buildTlsRecord(contentType: number, version: number, payload: Uint8Array): Uint8Array {
  const w = new ByteWriter();
  w.u8(contentType)
    .u16(version)
    .sized(2, () => w.bytes(payload));
  return w.done();
}

/** The server_name extension (RFC 6066 section 3) for a host name in ASCII. */
export function serverNameExtension(host: string): TlsExtension {
  const w = new ByteWriter();
  w.sized(2, () => w.u8(0).sized(2, () => w.text(host)));
  return { type: 0, data: w.done() };
}

/** The ALPN extension (RFC 7301 section 3.1). */
export function alpnExtension(protocols: readonly string[]): TlsExtension {
  const w = new ByteWriter();
  w.sized(2, () => {
    for (const protocol of protocols) w.sized(1, () => w.text(protocol));
  });
  return { type: 16, data: w.done() };
}

/** supported_versions as a client sends it (RFC 8446 section 4.2.1). */
export function supportedVersionsExtension(versions: readonly number[]): TlsExtension {
  const w = new ByteWriter();
  w.sized(1, () => {
    for (const version of versions) w.u16(version);
  });
  return { type: 43, data: w.done() };
}

/** A list of 16-bit numbers with its length in front: supported_groups (10) and signature_algorithms (13). */
export function listExtension(type: 10 | 13, list: readonly number[]): TlsExtension {
  const w = new ByteWriter();
  w.sized(2, () => {
    for (const value of list) w.u16(value);
  });
  return { type, data: w.done() };
}
