import { existsSync, readFileSync } from 'node:fs';
import { translatorSchema, type TranslatorInput } from '../contract/index.ts';
import { readRawCapture } from '../testing/raw-captures.ts';
import { capture } from '../testing/captures.ts';
import { PacketSink } from './packet-sink.ts';
import { compileSettings, type TranslatorSettings } from './settings.ts';
import { SiitMapper } from './siit-mapper.ts';
import { PacketTranslator } from './translator.ts';

/** Settings of a configuration that must be right. */
export function settingsOf(input: TranslatorInput): TranslatorSettings {
  const settings = compileSettings(translatorSchema.parse(input));
  if (!settings.ok) throw new Error(`${settings.error.field}: ${settings.error.message}`);
  return settings.value;
}

export function siit(input: TranslatorInput): PacketTranslator {
  const settings = settingsOf(input);
  return new PacketTranslator(settings, new SiitMapper(settings));
}

export const newSink = (): PacketSink => new PacketSink(1 << 20, 256);

/** Packet of one side, from its IP header on. */
export interface IpPacket {
  readonly side: 4 | 6;
  readonly bytes: Uint8Array;
  readonly wireLength: number;
}

/** IP packets of a capture of Ethernet (with VLAN tags) or raw IP; anything else in it is left out. An absent file has none. */
export function ipPackets(path: string): IpPacket[] {
  const file = capture(path);
  if (!existsSync(file)) return [];
  const out: IpPacket[] = [];
  for (const { linkType, bytes, origLenBytes } of readRawCapture(file, 200_000)) {
    let at = linkType === 1 ? 12 : 0;
    if (linkType === 1) {
      while (bytes[at] === 0x81 && bytes[at + 1] === 0) at += 4;
      const type = (bytes[at]! << 8) | bytes[at + 1]!;
      if (type !== 0x0800 && type !== 0x86dd) continue;
      at += 2;
    }
    // By the EtherType where there is one: a broken version field is then still told.
    const side = (linkType === 1 ? bytes[at - 1] === 0xdd : bytes[at]! >> 4 === 6) ? 6 : 4;
    out.push({ side, bytes: bytes.subarray(at), wireLength: origLenBytes - at });
  }
  return out;
}

export function readJson(path: string): unknown {
  return JSON.parse(readFileSync(capture(path), 'utf8'));
}
