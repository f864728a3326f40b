import { InvalidArgumentError, Option } from 'commander';
import { MAX_BURST_SCALES, SENDER_ALGORITHMS, parseRateBps, parseSizeBytes, parseTimeNs } from '../contract/index.ts';
import type { BurstOptions } from './burst.ts';
import { examples, integer, seconds, setting, type Act, type Add, type Run } from './command-parts.ts';
import type { ExperimentOptions } from './experiment.ts';
import type { OffloadCommandOptions } from './offload.ts';
import type { SendersOptions } from './senders.ts';

/** Commands that answer a question about the packets of a capture. */
export function addAnalysis(add: Add, act: Act): void {
  addBurst(add, act);
  addSenders(add, act);
  addOffload(add, act);
}

/** A figure with a unit, between limits. */
function quantity(parse: (text: string) => number | undefined, max: number, say: string): (text: string) => number {
  return (text) => {
    const value = parse(text);
    if (value === undefined || value > max) throw new InvalidArgumentError(say);
    return value;
  };
}
const rateBps = quantity(parseRateBps, 1e12, 'A rate in bits per second up to 1T, such as 10M or 1.5G.');
const sizeBytes = quantity(parseSizeBytes, 2 ** 40, 'A size in bytes up to 1 TiB, such as 1500, 64KiB or 64k (64,000).');
const timeNs = quantity(parseTimeNs, 3.6e12, 'A time up to an hour, such as 250us or 1ms; a bare number is microseconds.');

const timeOrNone = (text: string): number => (text.trim() === '0' ? 0 : timeNs(text));

function scales(text: string): number[] {
  const values = text.split(',').map((each) => quantity(parseTimeNs, 3.6e12, `${each} is no time; such as 10us,1ms,1s`)(each));
  if (values.some((ns) => ns < 1_000)) throw new InvalidArgumentError('A scale is at least 1us.');
  if (values.length > MAX_BURST_SCALES) throw new InvalidArgumentError(`At most ${MAX_BURST_SCALES} scales.`);
  return values;
}

function overhead(text: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || value < -64 || value > 256) throw new InvalidArgumentError('A whole number of bytes from -64 to 256.');
  return value;
}

function addBurst(add: Add, act: Act): void {
  add('burst [file...]', 'bursts at several scales, microbursts and buffers at a rate, token buckets', (command) =>
    command
      .option('--scale <times>', 'windows and gaps to look at, with commas between (default: 10us to 1s)', scales)
      .option('--gap <time>', 'a longer silence ends a burst in the list of the largest (default: 1ms)', timeNs)
      .option('--rate <bps>', 'link or drain rate; the committed rate of a meter', rateBps)
      .option('--cbs <bytes>', 'committed burst size: tests conformance (RFC 2697)', sizeBytes)
      .option('--ebs <bytes>', 'excess burst size (default: 0)', sizeBytes)
      .option('--pir <bps>', 'peak rate of a two rate meter (RFC 2698)', rateBps)
      .option('--pbs <bytes>', 'peak burst size of a two rate meter', sizeBytes)
      .option('--color-aware', 'the meter heeds the drop precedence in the DSCP (AF classes, RFC 2597)')
      .option('--overhead <bytes>', 'added to each packet: 24 for Ethernet on the line, -14 for IP bytes only', overhead)
      .option('--flow', 'the flows with most bytes too, each direction by itself')
      .option('--top <number>', 'entries of each list (default: 10)', integer('A number of entries', 0, 100))
      .addHelpText(
        'after',
        examples(
          'ringside burst capture.pcapng',
          'ringside burst capture.pcapng --rate 100M            (buffer and microbursts at 100 Mbit/s)',
          'ringside burst capture.pcapng --rate 10M --cbs 64KiB --ebs 32KiB',
          'ringside burst capture.pcapng --rate 10M --cbs 16k --pir 50M --pbs 64k --color-aware',
          'ringside burst capture.pcapng --scale 50us,5ms --flow --top 5',
          "ringside burst --json captures/* | jq '{file, peak: .scales[2].peakToMean}'",
        ),
      )
      .action(
        act(async ({ output, signal }: Run, files: string[], options: BurstOptions) => {
          const { burstCommand } = await import('./burst.ts');
          return burstCommand(files, options, output, signal);
        }),
      ),
  );
}

function addSenders(add: Add, act: Act): void {
  add('senders', 'TCP senders that react to the meter and to drops: goodput and round trips, meter off and on', (command) =>
    command
      .addOption(new Option('--algorithm <name>', 'how they size their window (default: cubic)').choices([...SENDER_ALGORITHMS]))
      .option('--flows <number>', 'senders, each with all it can send (default: 1)', integer('A number of senders', 1, 256))
      .option('--seconds <number>', 'lab time (default: 10)', seconds)
      .option('--rate <bps>', 'bottleneck of the network (default: 80M)', rateBps)
      .option('--rtt <time>', 'round trip without any queue (default: 40ms)', timeNs)
      .option('--queue <bytes>', 'queue in front of the bottleneck (default: 1.5M)', sizeBytes)
      .option('--grant <time>', 'the modem hands over what has come every so often; 0 for at once (default: 40ms)', timeOrNone)
      .option('--line <bps>', 'rate at which it hands over (default: 2G)', rateBps)
      .option('--mss <bytes>', 'data of a segment (default: 1400)', sizeBytes)
      .option('--window <bytes>', 'window that receivers advertise, whatever their buffer is (default: 2M)', sizeBytes)
      .option('--min-rto <time>', 'shortest retransmission timeout (default: 200ms)', timeNs)
      .option('-s, --scenario <name>', 'the host they send to: a bundled scenario or a YAML file (default: burst-closed-loop)')
      .option('--set <path=value>', 'change one parameter of the scenario; may be repeated', setting)
      .option('--seed <number>', 'seed of everything random', integer('A seed', 0, 0xffffffff))
      .addHelpText(
        'after',
        examples(
          'ringside senders',
          'ringside senders --algorithm reno --flows 8 --rate 300M --rtt 20ms',
          'ringside senders --set ports.host.sockets.rcvbufBytes=65536 --set ports.host.meter.intervalUs=500',
          "ringside senders --json | jq '{off: .off.goodputBps, on: .on.goodputBps}'",
        ),
      )
      .action(
        act(async ({ output, signal }: Run, options: SendersOptions) => {
          const { sendersCommand } = await import('./senders.ts');
          return sendersCommand(options, output, signal);
        }),
      ),
  );
}

function addOffload(add: Add, act: Act): void {
  add('offload <file>', 'checksum, segmentation and aggregation offloads: packets in and out, why not aggregated, costs', (command) =>
    command
      .addOption(new Option('--mode <name>', 'who sums, instead of what the scenario decides').choices(['stack', 'copy', 'hardware']))
      .option('--aggregate <KiB>', 'longest aggregate of received segments; 0 for none', integer('An aggregate', 0, 63))
      .option('--mtu <bytes>', 'largest packet the link takes', integer('An MTU', 576, 65_535))
      .option('--exact', 'merge only what segmentation restores byte for byte')
      .option('--local <prefixes>', "packets from these prefixes are this machine's own, with commas between", (text) => text.split(','))
      .option('--open <packet>', 'the aggregate that a packet is part of, cut into its segments', integer('A packet number', 1, 0x7fffffff))
      .option('--corrupt <number>', 'turn one bit in every so many packets after the sum was taken', integer('A number', 1, 1e9))
      .option('--costs', 'measure what the modes cost on packets of this file')
      .option('-o, --output <file>', 'write the packets as they leave the offloads (pcapng)')
      .option('-s, --scenario <name>', 'a bundled scenario or a YAML file')
      .option('--set <path=value>', 'change one parameter of the scenario; may be repeated', setting)
      .addHelpText(
        'after',
        examples(
          'ringside offload capture.pcapng',
          'ringside offload capture.pcapng --aggregate 4 --set device.moderationUs=500',
          'ringside offload capture.pcapng --local 192.0.2.0/24 -o sent-and-received.pcapng',
          'ringside offload capture.pcapng --open 1207',
          'ringside offload capture.pcapng --costs --json | jq .costs',
        ),
      )
      .action(
        act(async ({ output, signal }: Run, file: string, options: OffloadCommandOptions) => {
          const { offloadCommand } = await import('./offload.ts');
          return offloadCommand(file, options, output, signal);
        }),
      ),
  );
}

export function addExperiment(add: Add, act: Act): void {
  add('experiment [id...]', 'run an experiment with and without a mechanism, or list them', (command) =>
    command
      .addOption(new Option('--size <size>', 'small takes a second or two').choices(['small', 'full']).default('full'))
      .option('--seed <number>', 'seed of everything random', integer('A seed', 0, 0xffffffff), 1)
      .option('--csv', 'print the tables as CSV')
      .option('--docs <folder>', 'write a page for each experiment into a folder')
      .addHelpText(
        'after',
        examples(
          'ringside experiment',
          'ringside experiment interrupt-moderation --size small',
          'ringside experiment all --docs docs/experiments',
        ),
      )
      .action(
        act(async ({ output, signal }: Run, ids: string[], options: ExperimentOptions) => {
          const { experimentCommand } = await import('./experiment.ts');
          return experimentCommand(ids, options, output, signal);
        }),
      ),
  );
}
