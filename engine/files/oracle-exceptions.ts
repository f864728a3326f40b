/** Where our reading of a capture differs from capinfos 4.0, on purpose. The oracle test allows these and no others. */
export interface OracleException {
  /** Path under the folder of captures. */
  readonly file: string;
  /** Packets that capinfos counts; undefined where it refuses the file. */
  readonly capinfos: number | undefined;
  /** Packets that we count; undefined where we refuse the file too. */
  readonly ours: number | undefined;
  readonly reason: string;
}

const DSA = 'capinfos knows no such link type and refuses the file. The records are plain pcap; we read them (libpcap does too).';

/** Rows that capinfos refuses, and what we make of them. */
export const REFUSED_BY_CAPINFOS: readonly OracleException[] = [
  ...(
    [
      ['libpcap/tests/filter/brcm-tag-stp.pcap', 4],
      ['libpcap/tests/filter/brcm-tag.pcap', 15],
      ['libpcap/tests/filter/dsa.pcap', 8],
      ['tcpdump/tests/brcm-tag-prepend.pcap', 15],
      ['tcpdump/tests/brcm-tag.pcap', 23],
      ['tcpdump/tests/dsa-high-vid.pcap', 4],
      ['tcpdump/tests/edsa-high-vid.pcap', 4],
      ['tcpdump/tests/edsa.pcap', 10],
    ] as const
  ).map(([file, ours]) => ({ file, capinfos: undefined, ours, reason: DSA })),
  ...['be', 'le'].map((order) => ({
    file: `gopacket/pcapgo/tests/${order}/test901.pcapng`,
    capinfos: undefined,
    ours: 2,
    reason:
      'The second of three sections has version 2.0. capinfos stops there; we pass over that section, count its packets as unsupported-version and read the third.',
  })),
  {
    file: 'libpcap/tests/linktype-reserved-field-not-zero.pcap',
    capinfos: undefined,
    ours: 0,
    reason: 'Reserved bits of the link type are set. We note bad-header and read on; the file has no packets.',
  },
  {
    file: 'libpcap/tests/pcap-invalid-version-1.pcap',
    capinfos: undefined,
    ours: undefined,
    reason: 'Version 1 of pcap was never documented; refused with that sentence, as capinfos does.',
  },
  {
    file: 'libpcap/tests/pcapng-invalid-vers-1.pcapng',
    capinfos: undefined,
    ours: 0,
    reason: 'Version 0.1 does not exist; the section is passed over and its packets are counted as unsupported-version.',
  },
  {
    file: 'libpcap/tests/pcapng-invalid-vers-2.pcapng',
    capinfos: undefined,
    ours: 1,
    reason: 'Version 1.1 does not exist, but minor versions promise to stay readable; read as 1.0 with a bad-header note.',
  },
  {
    file: 'libpcap/tests/shb-option-too-long.pcapng',
    capinfos: undefined,
    ours: 0,
    reason: 'The two lengths of the only block contradict each other; reported as bad-block, there is nothing to read.',
  },
];

/** Rows that capinfos counts and we do not, or not on every runtime. */
export const ZSTD_FILE = 'pcapplusplus/Tests/Pcap++Test/PcapExamples/file_heuristics/pcapng-example.pcapng.zst';
export const COUNTED_BY_CAPINFOS: readonly OracleException[] = [
  {
    file: ZSTD_FILE,
    capinfos: 159,
    ours: undefined,
    reason:
      'Compressed with zstd: read where Node has it (22.15 and later); on Node 20 it is refused with a sentence that says so and how to unpack it.',
  },
];

/** Captures whose earliest time capinfos tells otherwise than we do. */
export const TIME_EXCEPTIONS: readonly { readonly file: string; readonly reason: string }[] = [
  {
    file: 'pcapplusplus/Tests/Pcap++Test/PcapExamples/pcapng-example.pcapng',
    reason:
      'Packets of one interface lie 584,000 years ahead. capinfos gives their time as the earliest; tshark shows, as we do, that the first packets are of 2015.',
  },
];
