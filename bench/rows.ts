import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { which, type Command } from './measure.ts';

/** One comparison: what we run, what the peer runs on the same file, and the goal. */
export interface Row {
  readonly id: string;
  readonly title: string;
  readonly capture: CaptureName;
  readonly atLeast: number;
  readonly aim: number;
  ours(file: string, scratch: string): Command;
  /** Undefined where the peer is not installed; `needs` then says what to install. */
  peer(file: string, scratch: string): Command | undefined;
  readonly needs: string;
}

export interface Capture {
  readonly flows: number;
  readonly packets: number;
  /** 400,000 where nothing is said. */
  readonly ratePps?: number;
}

export const CAPTURES = {
  'imix-10k': { flows: 10_000, packets: 1_000_000 },
  'imix-1m': { flows: 1_000_000, packets: 1_000_000 },
  'imix-10k-5m': { flows: 10_000, packets: 5_000_000 },
  'imix-1m-5m': { flows: 1_000_000, packets: 5_000_000 },
  'minute-100k': { flows: 1_000, packets: 100_000, ratePps: 1_667 },
} as const;
export type CaptureName = keyof typeof CAPTURES;

const dist = dirname(fileURLToPath(import.meta.url));
const cli = join(dist, 'cli.js');

function node(label: string, ...args: string[]): Command {
  return { label, program: process.execPath, args };
}

const replay = (file: string): Command => node('ringside replay', cli, 'replay', file, '--json');
const replayOneLane = (file: string): Command => node('ringside replay, one lane', cli, 'replay', file, '--json', '--lanes', '1');
const replayTwoLanes = (file: string): Command => node('ringside replay, two lanes', cli, 'replay', file, '--json', '--lanes', '2');
const openList = (file: string): Command =>
  node('open to the full packet list, its first 50 rows printed', cli, 'packets', file, '--count', '50');

function peer(program: string, args: (file: string, scratch: string) => string[]) {
  return (file: string, scratch: string): Command | undefined => {
    const path = which(program);
    if (path === undefined) return undefined;
    const given = args(file, scratch);
    return {
      label: [program, ...given.map((word) => (word === file ? 'F' : word === scratch ? 'DIR' : word))].join(' '),
      program: path,
      args: given,
    };
  };
}

const tcpdump = peer('tcpdump', (file) => ['-r', file, '-w', '/dev/null']);
const nfpcapd = peer('nfpcapd', (file, scratch) => ['-r', file, '-w', scratch]);
const tsharkStat = peer('tshark', (file) => ['-n', '-q', '-z', 'io,stat,1', '-r', file]);
const tsharkSummary = peer('tshark', (file) => ['-n', '-r', file]);
const capinfosAll = peer('capinfos', (file) => [file]);
const capinfosCount = peer('capinfos', (file) => ['-c', '-M', file]);

/** The same replay with sockets on the host port: `sockets` of them, with the meter on or off, in one thread. */
function regulated(label: string, sockets: number, meter: boolean) {
  return (file: string): Command =>
    node(
      label,
      cli,
      'replay',
      file,
      '--json',
      '--lanes',
      '1',
      '--scenario',
      'burst-many-sockets',
      ...['--set', 'ports.host.sockets.by=count', '--set', `ports.host.sockets.count=${String(sockets)}`],
      ...['--set', `ports.host.meter.enable=${String(meter)}`],
    );
}

/** Stateless, with an IPv6 side that takes what the IPv4 side sends: every packet is translated into one. */
const STATELESS = 'mode: siit\nwellKnownPrivate: allow\nmtu6: 1520\nlowestIpv6Mtu: 1520\n';

function translate(out: boolean) {
  return (file: string, scratch: string): Command => {
    const config = join(scratch, 'siit.yaml');
    writeFileSync(config, STATELESS);
    const output = out ? ['--out6', join(scratch, 'translated.pcap')] : [];
    return node(out ? 'ringside translate to a file' : 'ringside translate', cli, 'translate', '-c', config, '--in4', file, ...output);
  };
}

const tcprewrite = peer('tcprewrite', (file, scratch) => ['-C', '-i', file, '-o', join(scratch, 'rewritten.pcap')]);

/** The goals that concern files. */
export const ROWS: readonly Row[] = [
  {
    id: 'replay-tcpdump',
    title: 'replay against tcpdump -w /dev/null, 10 k flows',
    capture: 'imix-10k',
    atLeast: 1,
    aim: 2,
    ours: replay,
    peer: tcpdump,
    needs: 'tcpdump',
  },
  {
    id: 'replay-tcpdump-5m',
    title: 'the same, 5 M packets',
    capture: 'imix-10k-5m',
    atLeast: 1,
    aim: 2,
    ours: replay,
    peer: tcpdump,
    needs: 'tcpdump',
  },
  {
    id: 'replay-nfpcapd',
    title: 'replay against nfpcapd, 10 k flows',
    capture: 'imix-10k',
    atLeast: 3,
    aim: 6,
    ours: replay,
    peer: nfpcapd,
    needs: 'nfdump',
  },
  {
    id: 'replay-nfpcapd-1m',
    title: 'replay against nfpcapd, 1 M flows',
    capture: 'imix-1m',
    atLeast: 4,
    aim: 9,
    ours: replay,
    peer: nfpcapd,
    needs: 'nfdump',
  },
  {
    id: 'replay-nfpcapd-5m',
    title: 'replay against nfpcapd, 10 k flows, 5 M packets',
    capture: 'imix-10k-5m',
    atLeast: 3,
    aim: 6,
    ours: replay,
    peer: nfpcapd,
    needs: 'nfdump',
  },
  {
    id: 'replay-nfpcapd-1m-5m',
    title: 'replay against nfpcapd, 1 M flows, 5 M packets',
    capture: 'imix-1m-5m',
    atLeast: 4,
    aim: 9,
    ours: replay,
    peer: nfpcapd,
    needs: 'nfdump',
  },
  {
    id: 'replay-tshark',
    title: 'replay against tshark -q -z io,stat,1',
    capture: 'imix-10k',
    atLeast: 60,
    aim: 120,
    ours: replay,
    peer: tsharkStat,
    needs: 'tshark',
  },
  {
    id: 'lanes',
    title: 'two lanes against one',
    capture: 'imix-10k-5m',
    atLeast: 1.7,
    aim: 1.95,
    ours: replayTwoLanes,
    peer: replayOneLane,
    needs: '',
  },
  {
    id: 'open-tshark',
    title: 'open to the full packet list against tshark summary',
    capture: 'imix-10k',
    atLeast: 50,
    aim: 95,
    ours: openList,
    peer: tsharkSummary,
    needs: 'tshark',
  },
  {
    id: 'open-capinfos',
    title: 'open to the full packet list against capinfos',
    capture: 'imix-10k-5m',
    atLeast: 4,
    aim: 9,
    ours: openList,
    peer: capinfosAll,
    needs: 'wireshark-common',
  },
  {
    id: 'open-capinfos-c',
    title: 'open to the full packet list against capinfos -c -M',
    capture: 'imix-10k-5m',
    atLeast: 0.4,
    aim: 0.9,
    ours: openList,
    peer: capinfosCount,
    needs: 'wireshark-common',
  },
  {
    id: 'meter',
    title: 'replay with the meter on against the same with it off, 1,000 sockets',
    capture: 'imix-10k',
    atLeast: 0.7,
    aim: 0.9,
    ours: regulated('meter on', 1_000, true),
    peer: regulated('meter off', 1_000, false),
    needs: '',
  },
  {
    id: 'sockets',
    title: 'replay with 10,000 metered sockets against 10',
    capture: 'imix-10k',
    atLeast: 0.5,
    aim: 0.8,
    ours: regulated('10,000 sockets', 10_000, true),
    peer: regulated('10 sockets', 10, true),
    needs: '',
  },
  {
    id: 'translate-tcpdump',
    title: 'translate against tcpdump -w /dev/null, 10 k flows',
    capture: 'imix-10k',
    atLeast: 0.7,
    aim: 2,
    ours: translate(false),
    peer: tcpdump,
    needs: 'tcpdump',
  },
  {
    id: 'translate-tcpdump-5m',
    title: 'the same, 5 M packets',
    capture: 'imix-10k-5m',
    atLeast: 0.7,
    aim: 2,
    ours: translate(false),
    peer: tcpdump,
    needs: 'tcpdump',
  },
  {
    id: 'translate-tcprewrite',
    title: 'translate to a file against tcprewrite -C, 10 k flows',
    capture: 'imix-10k',
    atLeast: 2,
    aim: 3,
    ours: translate(true),
    peer: tcprewrite,
    needs: 'tcpreplay',
  },
];
