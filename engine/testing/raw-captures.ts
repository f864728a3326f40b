import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { capture, capturesFolder } from './captures.ts';

/** One packet as a test wants it. */
export interface RawPacket {
  readonly linkType: number;
  /** Length on the wire in bytes. */
  readonly origLenBytes: number;
  readonly bytes: Uint8Array;
}

/** Packet of one side, from its IP header on. */
export interface RawIpPacket {
  readonly side: 4 | 6;
  readonly bytes: Uint8Array;
  readonly wireLength: number;
}

/** Largest captured length believed; anything above is a damaged record and ends the file. */
const MAX_RECORD_BYTES = 262_144;

/**
 * Packets of a pcap or pcapng file, at most `limit`. Written apart from the program's own reader and simpler than it, for
 * tests of modules below it: it stops at the first thing it does not understand.
 */
export function readRawCapture(path: string, limit: number): RawPacket[] {
  let data: Buffer = readFileSync(path);
  if (data.length > 2 && data[0] === 0x1f && data[1] === 0x8b) {
    try {
      data = gunzipSync(data);
    } catch {
      return [];
    }
  }
  if (data.length < 24) return [];
  const magic = data.readUInt32LE(0);
  if (magic === 0x0a0d0d0a) return readPcapng(data, limit);
  if (magic === 0xa1b2c3d4 || magic === 0xa1b23c4d) return readPcap(data, limit, true);
  if (magic === 0xd4c3b2a1 || magic === 0x4d3cb2a1) return readPcap(data, limit, false);
  return [];
}

/**
 * A packet of Ethernet (with VLAN tags) or raw IP from its IP header on; undefined for anything else. The EtherType says the side where
 * there is one: a broken version field is then still told.
 */
export function rawIpPacket({ linkType, bytes, origLenBytes }: RawPacket): RawIpPacket | undefined {
  if (linkType === 101) return bytes.length === 0 ? undefined : { side: bytes[0]! >> 4 === 6 ? 6 : 4, bytes, wireLength: origLenBytes };
  if (linkType !== 1) return undefined;
  let at = 12;
  while (bytes[at] === 0x81 && bytes[at + 1] === 0) at += 4;
  const type = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (type !== 0x0800 && type !== 0x86dd) return undefined;
  return { side: type === 0x86dd ? 6 : 4, bytes: bytes.subarray(at + 2), wireLength: origLenBytes - at - 2 };
}

/** IP packets of a capture of the folder, at most `limit` records of it; none where it is absent. */
export function readIpPackets(path: string, limit = 200_000): RawIpPacket[] {
  const file = capture(path);
  return existsSync(file) ? readRawCapture(file, limit).flatMap((packet) => rawIpPacket(packet) ?? []) : [];
}

/** pcap's and pcapng's link type values that stand for another. */
function canonical(linkType: number): number {
  const value = linkType & 0xffff;
  return value === 12 || value === 14 ? 101 : value;
}

function readPcap(data: Buffer, limit: number, little: boolean): RawPacket[] {
  const u32 = (o: number): number => (little ? data.readUInt32LE(o) : data.readUInt32BE(o));
  const linkType = canonical(u32(20));
  const out: RawPacket[] = [];
  let at = 24;
  while (at + 16 <= data.length && out.length < limit) {
    const capLen = u32(at + 8);
    const origLen = u32(at + 12);
    if (capLen > MAX_RECORD_BYTES || at + 16 + capLen > data.length) break;
    out.push({ linkType, origLenBytes: origLen, bytes: new Uint8Array(data.subarray(at + 16, at + 16 + capLen)) });
    at += 16 + capLen;
  }
  return out;
}

function readPcapng(data: Buffer, limit: number): RawPacket[] {
  const out: RawPacket[] = [];
  let interfaces: { linkType: number; snapLen: number }[] = [];
  let little = true;
  let at = 0;
  while (at + 12 <= data.length && out.length < limit) {
    if (data.readUInt32LE(at) === 0x0a0d0d0a) {
      little = data.readUInt32LE(at + 8) === 0x1a2b3c4d;
      interfaces = [];
    }
    const u32 = (o: number): number => (little ? data.readUInt32LE(o) : data.readUInt32BE(o));
    const type = u32(at);
    const length = u32(at + 4);
    if (length < 12 || length % 4 !== 0 || at + length > data.length) break;
    if (type === 1 && length >= 20) {
      interfaces.push({ linkType: canonical(little ? data.readUInt16LE(at + 8) : data.readUInt16BE(at + 8)), snapLen: u32(at + 12) });
    } else if (type === 6 && length >= 32) {
      const of = interfaces[u32(at + 8)];
      const capLen = u32(at + 20);
      if (of === undefined || capLen > length - 32) break;
      out.push({ linkType: of.linkType, origLenBytes: u32(at + 24), bytes: new Uint8Array(data.subarray(at + 28, at + 28 + capLen)) });
    } else if (type === 3 && interfaces[0] !== undefined) {
      const orig = u32(at + 8);
      const snap = interfaces[0].snapLen;
      const capLen = Math.min(orig, snap === 0 ? orig : snap, length - 16);
      out.push({ linkType: interfaces[0].linkType, origLenBytes: orig, bytes: new Uint8Array(data.subarray(at + 12, at + 12 + capLen)) });
    }
    at += length;
  }
  return out;
}

/** Rows of the table that names every capture, with what capinfos said about it. */
export function listCaptures(): {
  readonly file: string;
  readonly path: string;
  readonly encapsulation: string;
  readonly packets: number;
}[] {
  const [header, ...rows] = readFileSync(capture('ORACLE.tsv'), 'utf8').trimEnd().split('\n');
  const names = (header ?? '').split('\t');
  const index = (name: string): number => names.indexOf(name);
  return rows.map((row) => {
    const cells = row.split('\t');
    const file = cells[index('file')] ?? '';
    return {
      file,
      path: `${capturesFolder}/${file}`,
      encapsulation: cells[index('capinfos_encap')] ?? '',
      packets: Number(cells[index('capinfos_packets')] ?? '0') || 0,
    };
  });
}

/** A pcapng file with these packets: one interface per link type. For handing packets to other tools. */
export function writeRawPcapng(packets: readonly RawPacket[]): Uint8Array {
  const interfaces = new Map<number, number>();
  const blocks: Buffer[] = [];
  const block = (type: number, body: Buffer): void => {
    const padded = (body.length + 3) & ~3;
    const out = Buffer.alloc(12 + padded);
    out.writeUInt32LE(type, 0);
    out.writeUInt32LE(out.length, 4);
    body.copy(out, 8);
    out.writeUInt32LE(out.length, out.length - 4);
    blocks.push(out);
  };
  const section = Buffer.alloc(16, 0xff);
  section.writeUInt32LE(0x1a2b3c4d, 0);
  section.writeUInt16LE(1, 4);
  section.writeUInt16LE(0, 6);
  block(0x0a0d0d0a, section);
  for (const packet of packets) {
    let id = interfaces.get(packet.linkType);
    if (id === undefined) {
      id = interfaces.size;
      interfaces.set(packet.linkType, id);
      const description = Buffer.alloc(8);
      description.writeUInt16LE(packet.linkType, 0);
      description.writeUInt32LE(MAX_RECORD_BYTES, 4);
      block(1, description);
    }
    const body = Buffer.alloc(20 + packet.bytes.length);
    body.writeUInt32LE(id, 0);
    body.writeUInt32LE(packet.bytes.length, 12);
    body.writeUInt32LE(packet.origLenBytes, 16);
    body.set(packet.bytes, 20);
    block(6, body);
  }
  return Buffer.concat(blocks);
}
