import { translatorSchema, type TranslatorInput } from '../contract/index.ts';
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
