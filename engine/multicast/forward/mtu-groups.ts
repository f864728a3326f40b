/** Interfaces of one MTU, as a mask. */
export interface MtuGroup {
  readonly mtu: number;
  readonly mask: number;
}

/** Interfaces by their MTU, in the order in which the MTUs come. */
export function mtuGroups(mtus: readonly number[]): readonly MtuGroup[] {
  return [...new Set(mtus)].map((mtu) => ({
    mtu,
    mask: mtus.reduce((mask, each, iface) => (each === mtu ? mask | (1 << iface) : mask), 0),
  }));
}
