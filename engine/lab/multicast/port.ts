import { assert, assertDefined } from '../../base/index.ts';
import { MULTICAST_DROPS, VERDICTS, type MulticastLogRow, type PortSpec } from '../../contract/index.ts';
import type { RecordBatch } from '../../files/index.ts';
import { DROP_TEXTS, macBytes, PortRouter, type PortVerdict } from '../../multicast/index.ts';

import { FIRST_COPY_DETAIL, FIRST_REFUSAL_DETAIL } from './port-maker.ts';

const VERDICT_DELIVERED = VERDICTS.indexOf('delivered');
const VERDICT_HELD = VERDICTS.indexOf('held');
const VERDICT_REFUSED = VERDICTS.indexOf('refused');

const MAX_COPIES_TOLD = 63;

/** Place of the capture's interface in an origin byte; above it, that the link layer calls the packet sent by this machine. */
const ORIGIN_INTERFACE = 127;
const ORIGIN_OWN = 128;

const LINKTYPE_ETHERNET = 1;
const LINKTYPE_SLL = 113;
const LINKTYPE_SLL2 = 276;
/** "Sent by us" in a Linux cooked header. */
const SLL_OUTGOING = 4;

/** What a port did with a packet that somebody traces. */
export interface MulticastStep {
  readonly port: string;
  /** Place among the ports of the scenario. */
  readonly place: number;
  readonly number: number;
  readonly tNs: number;
  readonly verdict: PortVerdict;
  /** Name of the interface it came in on. */
  readonly iface: string;
  /** Entry of the router that the data belongs to, and why its path was chosen. */
  readonly entry: { readonly key: string; readonly reason: string } | undefined;
  /** Why it was refused, in words and by which rule; empty for one that was not. */
  readonly refusal: string;
  readonly rule: string;
  /** Rows that it caused in the router's log. */
  readonly rows: readonly MulticastLogRow[];
  readonly copies: readonly { readonly iface: string; readonly family: 4 | 6; readonly control: boolean; readonly bytes: Uint8Array }[];
}

/** Verdict text of a detail byte that a multicast port has written; empty for those of others. */
export function multicastDetail(detail: number): string {
  if (detail >= FIRST_REFUSAL_DETAIL) {
    const name = MULTICAST_DROPS[detail - FIRST_REFUSAL_DETAIL];
    return name === undefined ? '' : DROP_TEXTS[name].text;
  }
  const copies = detail - FIRST_COPY_DETAIL;
  return copies < 0 ? '' : copies === 1 ? '1 copy' : `${copies === MAX_COPIES_TOLD ? 'at least ' : ''}${String(copies)} copies`;
}

/** A multicast port of the switch: the router, and where captured packets came in. */
export class MulticastPort {
  /** Place among the ports of the scenario. */
  readonly index: number;
  readonly id: string;
  readonly router: PortRouter;
  /** Places of the ports that get the copies of each interface, -1 for the device. */
  readonly outputs: readonly number[];
  /** Of the last packet taken. */
  verdict = 0;
  detail = 0;
  private readonly macs: readonly Uint8Array[];

  constructor(ports: readonly PortSpec[], index: number) {
    const spec = ports[index]!;
    this.index = index;
    this.id = spec.id;
    const own = assertDefined(spec.multicast, 'a multicast port has its configuration: parseScenario fills it in');
    const made = PortRouter.create(spec.id, own);
    assert(made.ok, 'the configuration of a multicast port was checked with the scenario');
    this.router = made.value;
    this.outputs = own.interfaces.map(({ port }) => (port === undefined ? -1 : ports.findIndex(({ id }) => id === port)));
    this.macs = own.interfaces.flatMap(({ mac }) => (mac === undefined ? [] : [macBytes(mac)]));
  }

  /** What the link layer says of record `row`: the interface of the capture, and whether this machine sent it. */
  origin(batch: RecordBatch, row: number): number {
    const at = batch.offset[row]!;
    const { bytes } = batch;
    const iface = Math.min(batch.iface[row]!, ORIGIN_INTERFACE);
    switch (batch.linkType[row]) {
      case LINKTYPE_ETHERNET:
        return this.macs.some((mac) => sameMac(mac, bytes, at + 6)) ? iface | ORIGIN_OWN : iface;
      case LINKTYPE_SLL:
        return ((bytes[at]! << 8) | bytes[at + 1]!) === SLL_OUTGOING ? iface | ORIGIN_OWN : iface;
      case LINKTYPE_SLL2:
        return bytes[at + 10] === SLL_OUTGOING ? iface | ORIGIN_OWN : iface;
      default:
        return iface;
    }
  }

  /** Takes a packet, from its IP header on. The copies are in `router.out`. */
  take(origin: number, packet: Uint8Array, tNs: number): PortVerdict {
    const { router } = this;
    const what = (origin & ORIGIN_OWN) !== 0 ? router.takeOwn(tNs) : router.take(origin & ORIGIN_INTERFACE, packet, tNs);
    const copies = router.out.count - router.out.messages;
    if (what === 'refused' || what === 'malformed') {
      this.verdict = VERDICT_REFUSED;
      const drop = what === 'malformed' ? MULTICAST_DROPS.indexOf('malformed') : router.lastDrop;
      this.detail = FIRST_REFUSAL_DETAIL + Math.max(0, drop);
    } else if (what === 'forwarded') {
      this.verdict = VERDICT_HELD;
      this.detail = FIRST_COPY_DETAIL + Math.min(MAX_COPIES_TOLD, copies);
    } else {
      this.verdict = VERDICT_DELIVERED;
      this.detail = 0;
    }
    return what;
  }

  /** Everything about the packet just taken, for an explanation. `rowsBefore`: rows of the log before it came. */
  step(number: number, tNs: number, what: PortVerdict, origin: number, packet: Uint8Array, rowsBefore: number): MulticastStep {
    const { router, id } = this;
    const drop = this.detail >= FIRST_REFUSAL_DETAIL ? MULTICAST_DROPS[this.detail - FIRST_REFUSAL_DETAIL] : undefined;
    const { interfaces } = router.spec;
    const family = packet[0]! >>> 4 === 6 ? 6 : 4;
    const came = what === 'own' || what === 'malformed' ? undefined : router.interfaceOf(origin & ORIGIN_INTERFACE, packet, family);
    return {
      port: id,
      place: this.index,
      number,
      tNs,
      verdict: what,
      iface: came === undefined ? '' : interfaces[came]!.id,
      entry: what === 'forwarded' || what === 'refused' ? router.entryOf(packet, family) : undefined,
      refusal: drop === undefined ? '' : DROP_TEXTS[drop].text,
      rule: drop === undefined ? '' : DROP_TEXTS[drop].rule,
      rows: router.log().slice(rowsBefore),
      copies: Array.from({ length: router.out.count }, (_, row) => ({
        iface: interfaces[router.out.iface[row]!]!.id,
        family: router.out.family(row),
        control: router.out.isMessage(row),
        bytes: router.out.packet(row),
      })),
    };
  }
}

function sameMac(mac: Uint8Array, b: Uint8Array, at: number): boolean {
  for (let i = 0; i < 6; i++) if (mac[i] !== b[at + i]) return false;
  return true;
}
