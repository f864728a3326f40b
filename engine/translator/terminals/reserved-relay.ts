import { err, ok, type Result } from '../../base/index.ts';
import { parseIpv4U32, parseIpv6 } from '../../wire/index.ts';
import type { PacketSink } from '../packet-sink.ts';
import { isTranslated, REASON } from '../reasons.ts';
import type { SettingsError, TranslatorSettings } from '../settings.ts';
import { PacketTranslator } from '../translator.ts';
import { BindingMapper, withinRate } from './relay-mapper.ts';

/**
 * A terminal converter as a translator port has it: the data plane of a binding relay (T-11), with its sessions reserved by the
 * configuration, where a network of terminals reserves them call by call. What nobody reserved is refused (T-15).
 */
export class ReservedRelay {
  private readonly mapper: BindingMapper;
  private readonly translator: PacketTranslator;
  private readonly ratePps: number;

  private constructor(settings: TranslatorSettings, mapper: BindingMapper) {
    this.mapper = mapper;
    this.translator = new PacketTranslator(settings, mapper);
    this.ratePps = settings.spec.relay.ratePps;
  }

  /** Error: the field that cannot be used. */
  static create(settings: TranslatorSettings): Result<ReservedRelay, SettingsError> {
    const mapper = new BindingMapper(settings.own4, settings.own6);
    for (const [session, { port, v4, port4, v6, port6 }] of settings.spec.relay.bindings.entries()) {
      const at = `relay.bindings.${String(session)}`;
      const peer4 = parseIpv4U32(v4);
      if (peer4 < 0) return err({ field: `${at}.v4`, message: `${v4} is not an IPv4 address` });
      const peer6 = parseIpv6(v6);
      if (peer6 === undefined) return err({ field: `${at}.v6`, message: `${v6} is not an IPv6 address` });
      if (mapper.byPort.has(port)) return err({ field: `${at}.port`, message: `port ${String(port)} is reserved already` });
      const parties = { peer4, peerPort4: port4, peer6, peerPort6: port6 };
      mapper.byPort.set(port, { session, port, port4: port, standIn4: 0, rateBps: 0, windowNs: 0, windowPackets: 0, ...parties });
    }
    return ok(new ReservedRelay(settings, mapper));
  }

  /** See PacketTranslator.translate. */
  translate(side: 4 | 6, bytes: Uint8Array, offset: number, length: number, wireLength: number, sink: PacketSink, nowNs: number): number {
    const code = this.translator.translate(side, bytes, offset, length, wireLength, sink, nowNs);
    if (code === REASON.noBinding) return REASON.notReserved;
    if (code === REASON.filtered) return REASON.otherParty;
    const { entry } = this.mapper;
    if (!isTranslated(code) || entry === undefined || withinRate(entry, this.ratePps, nowNs)) return code;
    sink.clear();
    return REASON.rateCap;
  }
}
