import { ok } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import type { TranslatorSpec } from '../contract/index.ts';
import { Nat64 } from './nat64.ts';
import type { PacketSink } from './packet-sink.ts';
import { compileSettings, type SettingsError } from './settings.ts';
import { SiitMapper } from './siit-mapper.ts';
import { PacketTranslator } from './translator.ts';

/** What every mode has. See PacketTranslator.translate for the arguments. */
export interface Translator {
  translate(side: 4 | 6, bytes: Uint8Array, offset: number, length: number, wireLength: number, sink: PacketSink, nowNs: number): number;
}

/** The translator a configuration describes: stateless for `siit` and `clat`, stateful for `nat64`. Error: the field that cannot be used. */
export function createTranslator(spec: TranslatorSpec): Result<Translator, SettingsError> {
  const settings = compileSettings(spec);
  if (!settings.ok) return settings;
  return spec.mode === 'nat64' ? Nat64.create(settings.value) : ok(new PacketTranslator(settings.value, new SiitMapper(settings.value)));
}
