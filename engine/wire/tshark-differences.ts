/** Where Ringside and tshark differ on purpose. The comparison test accepts these and nothing else; docs/protocols.md lists them too. */
export interface Difference {
  /** Capture, relative to the folder of captures; `*` for all. */
  readonly file: string;
  /** Packet numbers, or all. */
  readonly packets: readonly number[] | 'all';
  readonly fields: readonly string[] | '*';
  readonly reason: string;
}

export const DIFFERENCES: readonly Difference[] = [];
