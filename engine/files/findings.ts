/** Why a record was skipped, or what is worth noting about one that was kept. `skips` says whether packets are missing because of it. */
export const REASONS = {
  'truncated-tail': { skips: true, text: 'The file ends inside a record.' },
  'absurd-length': { skips: true, text: 'A record claims more bytes than any capture can hold; what follows it cannot be found.' },
  'bad-block': { skips: true, text: 'A pcapng block contradicts itself.' },
  'no-interface': { skips: true, text: 'A packet names an interface that the section does not describe.' },
  'too-many-interfaces': { skips: true, text: 'More interfaces than the limit; packets of the others are skipped.' },
  'unsupported-version': { skips: true, text: 'A pcapng section of a version that nobody has defined; its packets are skipped.' },
  'read-error': { skips: true, text: 'The operating system could not read on.' },
  'damaged-compression': { skips: true, text: 'The compressed stream is damaged or cut; what came before it is kept.' },
  'decompression-limit': { skips: true, text: 'The unpacked file would be larger than the limit; the rest was not unpacked.' },
  'caplen-beyond-orig': { skips: false, text: 'More bytes captured than the packet had on the wire; kept as it stands.' },
  'time-backwards': { skips: false, text: 'A packet is older than the one before it; kept in file order.' },
  'time-rounded': {
    skips: false,
    text: 'A time further than 104 days from the first packet; rounded by less than 1 us, and cut at 146 years.',
  },
  'no-timestamp': { skips: false, text: 'A simple packet block has no time; it takes that of the packet before it.' },
  'unknown-linktype': { skips: false, text: 'A link type without a known name; its packets are shown as bytes.' },
  'unknown-block': { skips: false, text: 'A pcapng block of a kind this program does not know; it holds no packet.' },
  'bad-option': { skips: false, text: 'An option of a pcapng block runs over its end; the options after it are not read.' },
  'bad-header': { skips: false, text: 'A reserved or contradictory field in a file header; read all the same.' },
  'side-data-limit': { skips: false, text: 'More comments, names or secrets than the limit; the others are not kept.' },
} as const;
export type Reason = keyof typeof REASONS;

/** One thing found in a file. */
export interface Finding {
  readonly reason: Reason;
  /** Where in the file, after decompression. */
  readonly fileOffset: number;
  readonly message: string;
}

/** Findings kept one by one. Enough to see a pattern; the counts go on beyond it. */
export const MAX_FINDINGS = 200;
/** Findings of one reason kept one by one, so that a common one does not crowd out the others. */
export const MAX_FINDINGS_PER_REASON = 20;

/** Counts by reason, and the first findings of each. */
export class FindingLog {
  readonly list: Finding[] = [];
  private readonly byReason = new Map<Reason, number>();

  /** Counts one, and keeps it if there is room. */
  add(reason: Reason, fileOffset: number, message: string = REASONS[reason].text, times = 1): void {
    const before = this.byReason.get(reason) ?? 0;
    this.byReason.set(reason, before + times);
    if (before < MAX_FINDINGS_PER_REASON && this.list.length < MAX_FINDINGS) this.list.push({ reason, fileOffset, message });
  }

  /** Counts without a finding of its own: for reasons met once a packet. */
  count(reason: Reason, times = 1): void {
    this.byReason.set(reason, (this.byReason.get(reason) ?? 0) + times);
  }

  of(reason: Reason): number {
    return this.byReason.get(reason) ?? 0;
  }

  /** Counts of the reasons for which packets are missing. */
  skipped(): Record<string, number> {
    return this.pick(true);
  }

  /** Counts of the reasons for which nothing is missing. */
  notes(): Record<string, number> {
    return this.pick(false);
  }

  private pick(skips: boolean): Record<string, number> {
    const out: Record<string, number> = {};
    for (const reason of Object.keys(REASONS) as Reason[]) {
      const n = this.byReason.get(reason);
      if (n !== undefined && REASONS[reason].skips === skips) out[reason] = n;
    }
    return out;
  }
}
