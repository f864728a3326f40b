import { unwrap } from '../base/index.ts';
import { translatorSchema, type TranslatorInput } from '../contract/index.ts';
import type { RawIpPacket } from '../testing/raw-captures.ts';
import { createTranslator, type Translator } from './create.ts';
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

/** Translator of a configuration that must be right, of any mode. */
export function translatorOf(input: TranslatorInput): Translator {
  return unwrap(createTranslator(translatorSchema.parse(input)));
}

/** All that leaves a translator for these packets, in order; one nanosecond between two of them, from `fromNs` on. */
export function translated(t: Translator, packets: readonly RawIpPacket[], fromNs = 0): Uint8Array[] {
  const out: Uint8Array[] = [];
  const sink = newSink();
  packets.forEach(({ side, bytes, wireLength }, i) => {
    sink.clear();
    t.translate(side, bytes, 0, bytes.length, wireLength, sink, fromNs + i);
    for (let o = 0; o < sink.count; o++) out.push(sink.packet(o));
  });
  return out;
}

export const newSink = (): PacketSink => new PacketSink(1 << 20, 256);
