import { fragmentKey } from './fragment-table.ts';
import { NaptEdgeMapper } from './map-edge.ts';
import { MapMapper } from './map-mapper.ts';
import type { MapDomain } from './map-rules.ts';
import { PacketView, PROTOCOL } from './packet-view.ts';
import type { PacketSink } from './packet-sink.ts';
import { isTranslated, REASON } from './reasons.ts';
import type { TranslatorSettings } from './settings.ts';
import { PacketTranslator } from './translator.ts';

const NS = 1e9;

/**
 * MAP-T (RFC 7599): the packet translator over a border relay's or a customer edge's mapping, with the memory that these need: fragments that come before
 * the first one of their packet, and the NAPT44 of a customer edge. Time is the lab's; a time before the last one counts as the last one.
 */
export class Mapt {
  readonly settings: TranslatorSettings;
  readonly packets: PacketTranslator;
  readonly map: MapMapper;
  /** Of a customer edge whose NAPT44 is on, else null. */
  readonly edge: NaptEdgeMapper | null;
  /** Fragments that were held and then given up, or found no room. */
  lostFragments = 0;
  private nowNs = 0;
  private readonly view = new PacketView();

  constructor(settings: TranslatorSettings, domain: MapDomain) {
    this.settings = settings;
    this.map = new MapMapper(domain, settings);
    const { own } = domain;
    this.edge = own !== null && settings.spec.mapt.napt44.enabled ? new NaptEdgeMapper(this.map, own, settings) : null;
    this.packets = new PacketTranslator(settings, this.edge ?? this.map);
  }

  /** As PacketTranslator.translate. Output may hold fragments released by this packet. */
  translate(side: 4 | 6, bytes: Uint8Array, offset: number, length: number, wireLength: number, sink: PacketSink, nowNs: number): number {
    this.advance(nowNs);
    const code = this.packets.translate(side, bytes, offset, length, wireLength, sink, this.nowNs);
    if (code === REASON.mapFragmentHeld) return this.hold(side, bytes, offset, length, wireLength);
    if (isTranslated(code) && this.firstFragment(side, bytes, offset, length, wireLength)) this.release(sink);
    return code;
  }

  private advance(nowNs: number): void {
    this.nowNs = Math.max(this.nowNs, nowNs);
    this.lostFragments += this.map.fragments.expire(this.nowNs);
    this.edge?.napt.advance(this.nowNs);
  }

  /** After the last packet: fragments whose first one never came are given up. */
  finish(): number {
    if (this.map.fragments.heldCount > 0) this.advance(this.nowNs + this.settings.spec.mapt.fragmentS * NS);
    return this.nowNs;
  }

  private parse(side: 4 | 6, b: Uint8Array, o: number, length: number, wireLength: number): boolean {
    const { view } = this;
    return (side === 6 ? view.parse6(b, o, length, wireLength, false) : view.parse4(b, o, length, wireLength, false, false)) === 0;
  }

  private hold(side: 4 | 6, b: Uint8Array, o: number, length: number, wireLength: number): number {
    if (!this.parse(side, b, o, length, wireLength)) return REASON.mapFragmentHeld;
    const fragment = { key: fragmentKey(this.view), sinceNs: this.nowNs, side, bytes: b.slice(o, o + length), wireLength };
    if (this.map.fragments.hold(fragment)) return REASON.mapFragmentHeld;
    this.lostFragments++;
    return REASON.fragmentsFull;
  }

  /** Leaves it in the view. Almost no packet is a fragment: the bytes that say so are looked at before it is parsed again. */
  private firstFragment(side: 4 | 6, b: Uint8Array, o: number, length: number, wireLength: number): boolean {
    const whole = side === 4 ? (b[o + 6]! & 0x3f) === 0 : b[o + 6]! === PROTOCOL.tcp || b[o + 6]! === PROTOCOL.udp;
    if (whole || this.map.fragments.heldCount === 0 || !this.parse(side, b, o, length, wireLength)) return false;
    return this.view.moreFragments && this.view.fragmentOffset === 0;
  }

  /** Fragments that waited for the one in the view go after it. */
  private release(sink: PacketSink): void {
    for (const { side, bytes, wireLength } of this.map.fragments.release(fragmentKey(this.view))) {
      this.packets.translate(side, bytes, 0, bytes.length, wireLength, sink, this.nowNs);
    }
  }
}
