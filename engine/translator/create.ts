import { err, ok } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import type { TranslatorSpec } from '../contract/index.ts';
import { Dns64Packets } from './dns64-packets.ts';
import { DiscoveringClat } from './discovering-clat.ts';
import type { TableMemory } from './hash-slots.ts';
import { Mapt } from './mapt.ts';
import { Nat64 } from './nat64.ts';
import type { PacketSink } from './packet-sink.ts';
import type { PlainWork } from './plain-work.ts';
import { compileSettings, discovers, type SettingsError } from './settings.ts';
import { SiitMapper } from './siit-mapper.ts';
import { ReservedRelay } from './terminals/reserved-relay.ts';
import { PacketTranslator } from './translator.ts';

/** What every mode has. See PacketTranslator.translate for the arguments. */
export interface Translator {
  translate(side: 4 | 6, bytes: Uint8Array, offset: number, length: number, wireLength: number, sink: PacketSink, nowNs: number): number;
  /** True while tables are so large that `lookAhead` pays. */
  readonly looksAhead?: boolean;
  /** See PacketTranslator.lookAhead. */
  lookAhead?(bytes: Uint8Array, offsets: Uint32Array, from: number, to: number): void;
  /** For a kernel that takes plain packets; null or missing where there is nothing for one. */
  readonly plainWork?: PlainWork | null;
  /** After the last packet: what is held is given up or let go. Returns the lab time at which it leaves. */
  finish?(sink: PacketSink): number;
}

/** The translator a configuration describes, with the sessions of a NAT64 in `memory`. Error: the field that cannot be used. */
export function createTranslator(spec: TranslatorSpec, memory?: TableMemory): Result<Translator, SettingsError> {
  if (spec.mode === 'dns64') return Dns64Packets.create(spec.dns64, spec.wellKnownPrivate === 'allow');
  if (discovers(spec)) return DiscoveringClat.create(spec);
  const settings = compileSettings(spec);
  if (!settings.ok) return settings;
  if (spec.mode === 'relay') return ReservedRelay.create(settings.value);
  if (settings.value.mapDomain !== null) return ok(new Mapt(settings.value, settings.value.mapDomain));
  if (spec.mode !== 'nat64') return ok(new PacketTranslator(settings.value, new SiitMapper(settings.value)));
  if (spec.nat64.pool4.length === 0 && spec.nat64.bindings.length === 0) {
    return err({ field: 'nat64.pool4', message: 'a NAT64 needs an IPv4 address, such as pool4: [{ prefix: 192.0.2.1 }]' });
  }
  return Nat64.create(settings.value, memory);
}
