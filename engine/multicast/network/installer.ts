import { u32 } from '../../base/index.ts';
import { parseIpv4U32 } from '../../wire/index.ts';
import { addressBytes, scopeOf, type Family } from '../addresses.ts';
import { FewMap } from '../few-map.ts';
import type { ForwardingTable } from '../forward/index.ts';
import { interfacesOf } from '../pim/index.ts';
import type { FamilySide } from './family-side.ts';
import type { RouterNode } from './router-node.ts';

/** Number of the interface on which registered packets come in at a rendezvous point: beyond the real ones. */
export const REGISTER_INTERFACE = 31;

/** Interface and outgoing interfaces of one family for a source and a group. */
interface FamilyRow {
  readonly incoming: number;
  readonly olist: number;
}

const NOTHING: FamilyRow = { incoming: -1, olist: 0 };

/** A row of the forwarding table in addresses of both families, empty where there is none. */
interface RowKey {
  readonly source4: string;
  readonly group4: string;
  readonly source6: string;
  readonly group6: string;
}

/** Writes what PIM and the coupling have decided into the forwarding tables: one row for each source and group that is known. */
export class Installer {
  private readonly router: RouterNode;
  /** Rows by group, IPv4 where there is such a form. */
  private readonly rows = new FewMap<RowKey>();

  constructor(router: RouterNode) {
    this.router = router;
  }

  clear(): void {
    for (const key of this.rows.values()) this.remove(key);
    this.rows.clear();
  }

  /** Every row again. */
  all(): void {
    for (const key of this.rows.values()) this.write(key, false);
  }

  /** A translated group has changed: its rows, and those of joined sources. */
  group(group4: string, group6: string): void {
    for (const family of [4, 6] as const) this.ofFamily(family, family === 4 ? group4 : group6);
  }

  /** A group has changed in PIM of one family. */
  ofFamily(family: Family, group: string): void {
    const side = this.router.side(family);
    for (const tree of side?.pim.groups.get(group)?.sources.values() ?? []) {
      if (tree.joined || tree.down.length > 0) this.source(family, tree.source, group, false);
    }
    const name = family === 6 && this.router.coupling !== undefined ? this.router.world.prefixes.groupText4(group) : undefined;
    for (const key of this.rows.of(name ?? group)) this.write(key, false);
  }

  /** Data of a source has come, or may come: its row. `registered` while a registered packet is passed on. */
  source(family: Family, source: string, group: string, registered: boolean): void {
    const key = this.keyOf(family, source, group);
    const name = key.group4 || key.group6;
    const known = this.rows.find(name, ({ source4, source6 }) => source4 === key.source4 && source6 === key.source6) !== undefined;
    if (this.write(key, registered) && !known) this.rows.add(name, key);
  }

  private keyOf(family: Family, source: string, group: string): RowKey {
    if (this.router.coupling === undefined) {
      return family === 4
        ? { source4: source, group4: group, source6: '', group6: '' }
        : { source4: '', group4: '', source6: source, group6: group };
    }
    const entry = this.router.coupling.find(family, source, group);
    if (entry !== undefined) return entry;
    const { prefixes } = this.router.world;
    const otherGroup = family === 4 ? prefixes.groupText6(group) : prefixes.groupText4(group);
    const otherSource = family === 4 ? prefixes.sourceText6(source) : prefixes.sourceText4(source);
    const mapped = otherGroup !== undefined && otherSource !== undefined;
    if (family === 4) return { source4: source, group4: group, source6: mapped ? otherSource : '', group6: mapped ? otherGroup : '' };
    return { source4: mapped ? otherSource : '', group4: mapped ? otherGroup : '', source6: source, group6: group };
  }

  private table(key: RowKey): { table: ForwardingTable; words: Uint32Array } {
    const { forwarder } = this.router;
    if (key.group4 !== '') return { table: forwarder.table, words: Uint32Array.of(parseIpv4U32(key.source4), parseIpv4U32(key.group4)) };
    const words = new Uint32Array(8);
    for (const [i, address] of [key.source6, key.group6].entries()) {
      const bytes = addressBytes(address);
      for (let w = 0; w < 4; w++) words[4 * i + w] = u32(bytes, 4 * w);
    }
    return { table: forwarder.native, words };
  }

  private remove(key: RowKey): void {
    const { table, words } = this.table(key);
    table.remove(table.find(words));
  }

  /**
   * Least MTU, in bytes of IPv6, of the outgoing links that an IPv6 packet of a source does not fit, -1 for none: those of IPv4 take 20 bytes more,
   * since a translated header is shorter by as much.
   */
  leastMtu(source: string, group: string, bytes: number): number {
    const { table, words } = this.table(this.keyOf(6, source, group));
    const row = table.find(words);
    let least = -1;
    for (const [mask, extra] of row < 0
      ? []
      : ([
          [table.to66[row]!, 0],
          [table.to64[row]!, 20],
        ] as const)) {
      for (const iface of interfacesOf(mask)) {
        const mtu = this.router.interfaces[iface]!.link.spec.mtu + extra;
        if (mtu < bytes && (least < 0 || mtu < least)) least = mtu;
      }
    }
    return least;
  }

  /** What a family does with data of the source. `carries` says that data is taken from this family; otherwise only its lists count. */
  private familyRow(side: FamilySide | undefined, source: string, group: string, carries: boolean, registered: boolean): FamilyRow {
    if (side === undefined || group === '' || source === '') return NOTHING;
    const { pim } = side;
    const tree = pim.find(source, group);
    const star = pim.find('', group);
    if (registered) return { incoming: REGISTER_INTERFACE, olist: pim.olists.inheritedRpt(source, group) };
    const onSource = tree !== undefined && (tree.spt || star === undefined);
    if (onSource) return { incoming: pim.incoming(tree), olist: pim.olists.inherited(tree) };
    if (star === undefined) return NOTHING;
    const olist = tree !== undefined && !carries ? pim.olists.inherited(tree) : pim.olists.inheritedRpt(source, group);
    return { incoming: pim.incoming(star), olist };
  }

  /** Outgoing interfaces whose scope boundary the group may cross (M-22). */
  private allowed(olist: number, group: string): number {
    if (olist === 0) return 0;
    const scope = scopeOf(group);
    let mask = olist;
    for (const [iface, { link }] of this.router.interfaces.entries()) if (link.spec.scopeBoundary >= scope) mask &= ~(1 << iface);
    return mask;
  }

  /** False where there is nothing to write and no row. */
  private write(key: RowKey, registered: boolean): boolean {
    const { router } = this;
    const entry = key.group4 === '' || key.group6 === '' ? undefined : router.coupling?.entryOf(4, key.source4, key.group4);
    const take4 = entry === undefined || router.coupling!.includes(entry, 4);
    const take6 = entry === undefined || router.coupling!.includes(entry, 6);
    const row4 = this.familyRow(router.side(4), key.source4, key.group4, take4, registered);
    const row6 = this.familyRow(router.side(6), key.source6, key.group6, take6, registered);
    const { table, words } = this.table(key);
    if (row4.incoming < 0 && row6.incoming < 0 && row4.olist === 0 && row6.olist === 0) {
      const row = table.find(words);
      if (row < 0) return false;
      table.in4[row] = -1;
      table.in6[row] = -1;
      table.setLists(row, 0, 0, 0, 0);
      return true;
    }
    const row = table.add(words);
    if (row < 0) return false;
    const to4 = this.allowed(row4.olist, key.group4);
    const to6 = this.allowed(row6.olist, key.group6);
    table.in4[row] = take4 ? row4.incoming : -1;
    table.in6[row] = take6 ? row6.incoming : -1;
    const crosses = entry !== undefined && entry.choice !== 'both';
    table.setLists(row, to4, crosses ? to6 : 0, crosses ? to4 : 0, to6);
    return true;
  }
}
