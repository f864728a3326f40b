import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { MAX_BURST_SCALES, parseRateBps, parseSizeBytes, parseTimeNs } from '../contract/index.ts';
import type { BurstOptions } from './burst.ts';
import type { OffloadCommandOptions } from './offload.ts';
import type { ExperimentOptions } from './experiment.ts';
import { createOutput, runWork, type Output } from './output.ts';
import type { SchemaName } from './schema.ts';
import { addMulticast } from './multicast-command.ts';
import { addTranslate } from './translate-commands.ts';

/** What a command's work is given. */
export interface Run {
  readonly output: Output;
  readonly signal: AbortSignal;
}

export function integer(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`${name} is a whole number from ${min} to ${max}.`);
    return value;
  };
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1e6)) throw new InvalidArgumentError('A number of seconds above 0.');
  return value;
}

/** `max`, or a factor of capture time. */
function speed(text: string): number {
  if (text === 'max') return 0;
  const value = Number(text.replace(/x$/, ''));
  if (!(value > 0 && value <= 1e6)) throw new InvalidArgumentError('`max`, or a factor of capture time such as 1, 0.5 or 10.');
  return value;
}

export function setting(text: string, before: readonly string[] = []): string[] {
  if (!/^[^=\s]+=/.test(text)) throw new InvalidArgumentError('path=value, such as device.rxRingSlots=256');
  return [...before, text];
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

export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}

/**
 * The command tree. Commands load their work when they run, so that `ringside --help` and `ringside info` start fast. `finish` takes
 * the exit code.
 */
export function createProgram(version: string, signal: AbortSignal, finish: (code: number) => void): Command {
  const program = new Command('ringside')
    .description(
      'A lab for network engineers: runs a capture through rings, pools and a flow switch, and says what became of every packet.',
    )
    .version(version)
    .showHelpAfterError('(ringside --help, or ringside help COMMAND, shows what is possible)')
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
    .addHelpText(
      'after',
      examples(
        'ringside info capture.pcapng',
        'ringside replay capture.pcapng --scenario small-rings',
        'ringside serve capture.pcapng --open',
      ),
    );

  /** Adds a command whose work is `action`; every command knows --json. */
  const add = (spec: string, description: string, build: (command: Command) => Command): Command =>
    build(program.command(spec).description(description)).option('--json', 'print JSON, one object a line');
  const act =
    <A extends readonly unknown[]>(work: (run: Run, ...args: A) => Promise<number> | number) =>
    async (...args: [...A, Command]): Promise<void> => {
      const command = args.at(-1) as Command;
      const output = createOutput(command.opts<{ json?: boolean }>().json === true);
      finish(await runWork(output, signal, () => work({ output, signal }, ...(args.slice(0, -1) as unknown as A))));
    };

  addInfo(add, act);
  addReplay(add, act);
  addPackets(add, act);
  addStats(add, act);
  addServe(add, act);
  addCapture(add, act);
  addBurst(add, act);
  addOffload(add, act);
  addGenerate(add, act);
  addExperiment(add, act);
  addTranslate(add, act);
  addMulticast(add, act);
  addWindow(add, act);
  return program;
}

export type Add = (spec: string, description: string, build: (command: Command) => Command) => Command;
export type Act = <A extends readonly unknown[]>(
  work: (run: Run, ...args: A) => Promise<number> | number,
) => (...args: [...A, Command]) => Promise<void>;

function addInfo(add: Add, act: Act): void {
  add('info [file...]', 'what capture files hold: format, packets, times, interfaces, what could not be read', (command) =>
    command
      .option('--sha256', 'add the SHA-256 of each file')
      .addHelpText(
        'after',
        examples(
          'ringside info *.pcapng',
          "ringside info --json captures/* | jq -r 'select(.error) | .file'",
          'ringside info        (in the terminal panel: the open session)',
        ),
      )
      .action(
        act(async ({ output, signal }: Run, files: string[], options: { sha256?: boolean }) => {
          const { infoCommand, windowInfo } = await import('./info.ts');
          return files.length === 0 ? windowInfo(output, signal) : infoCommand(files, options, output, signal);
        }),
      ),
  );
}

function addReplay(add: Add, act: Act): void {
  add('replay [file]', 'run a capture through the scenario and say what became of its packets', (command) =>
    command
      .option('-s, --scenario <name>', 'a bundled scenario or a YAML file')
      .option('--set <path=value>', 'change one parameter of the scenario; may be repeated', setting)
      .option('--seed <number>', 'seed of everything random', integer('A seed', 0, 0xffffffff))
      .addOption(new Option('--speed <factor>', '`max`, or a factor of capture time').argParser(speed).default(0, 'max'))
      .option('--loop <times>', 'repeat a timed replay this many times', integer('A number of repeats', 1, 1_000_000))
      .option('--skip-gaps', 'in a timed replay, shorten gaps of more than a second to one')
      .option('--lanes <number>', 'threads; the result does not depend on it', integer('A number of lanes', 1, 16))
      .option('--batch <number>', 'packets of one step; the result does not depend on it', integer('A batch', 1, 4_096))
      .option('--trace <file>', 'write the trace, one JSON record a line')
      .option('--report <file>', 'write a report: .html, .json or .pdf')
      .addHelpText(
        'after',
        examples(
          'ringside replay burst.pcapng --scenario small-rings',
          'ringside replay burst.pcapng --set ports.ch3.rxRingSlots=2048 --report burst.html',
          'ringside replay burst.pcapng --speed 1        (at capture time; says how late packets were)',
          'ringside replay burst.pcapng --json | jq .drops',
        ),
      )
      .action(
        act(async ({ output, signal }: Run, file: string | undefined, options: object) => {
          const { replayCommand } = await import('./replay.ts');
          return replayCommand(file, options, output, signal);
        }),
      ),
  );
}

function addPackets(add: Add, act: Act): void {
  add('packets <file>', 'the packet list, chosen fields of it, or everything about one packet', (command) =>
    command
      .option('--from <number>', 'first packet', integer('A packet number', 1, 0x7fffffff), 1)
      .option('--count <number>', 'packets at most', integer('A number of packets', 1, 0x7fffffff))
      .option('--fields <names>', 'fields by name with commas between, such as ip.src,tcp.flags.syn', (text) => text.split(','))
      .option(
        '--explain <number>',
        'one packet: its tree, its path through the scenario, and why',
        integer('A packet number', 1, 0x7fffffff),
      )
      .option('-s, --scenario <name>', 'for --explain: a bundled scenario or a YAML file')
      .option('--set <path=value>', 'for --explain: change one parameter; may be repeated', setting)
      .addHelpText(
        'after',
        examples(
          'ringside packets capture.pcapng --count 20',
          'ringside packets capture.pcapng --fields frame.number,ip.src,ip.dst,tcp.port',
          'ringside packets capture.pcapng --explain 1207 --scenario small-rings',
        ),
      )
      .action(
        act(async ({ output, signal }: Run, file: string, options: object) => {
          const { packetsCommand } = await import('./packets.ts');
          return packetsCommand(file, options, output, signal);
        }),
      ),
  );
}

function addStats(add: Add, act: Act): void {
  const number = integer('A number', 0, 0x7fffffff);
  add('stats <file>', 'statistics of a replay as flat records: rings, pools, flows, stack instances, class queues, caches', (command) =>
    command
      .option('-s, --scenario <name>', 'a bundled scenario or a YAML file')
      .option('--set <path=value>', 'change one parameter; may be repeated', setting)
      .option('--at <seconds>', 'at this time of the capture instead of its end', seconds)
      .option('--nexus <name>', 'records of one nexus: netif or fsw')
      .option('--flow <number>', 'records of one flow', number)
      .option('--pid <number>', 'records of what a process owns', number)
      .option('--tuple <text>', 'flows whose addresses and ports contain this')
      .option('--table <name>', 'records of one table, such as ring, flow or cache')
      .option('--object <name>', 'objects whose name begins so')
      .addHelpText(
        'after',
        examples(
          'ringside stats capture.pcapng',
          'ringside stats capture.pcapng --scenario aqm-advisory --nexus fsw --table flow-advisory',
          "ringside stats capture.pcapng --flow 3 --json | jq -s 'map({(.name): .value}) | add'",
        ),
      )
      .action(
        act(async ({ output, signal }: Run, file: string, options: object) => {
          const { statsCommand } = await import('./stats.ts');
          return statsCommand(file, options, output, signal);
        }),
      ),
  );
}

function addServe(add: Add, act: Act): void {
  add('serve [file]', 'serve the interface on 127.0.0.1 for a browser on this machine', (command) =>
    command
      .option('--port <number>', 'port; a free one without', integer('A port', 1, 65_535))
      .option('--open', 'open it in an installed Chromium or Chrome')
      .option('-s, --scenario <name>', 'a bundled scenario to start with')
      .addHelpText('after', examples('ringside serve capture.pcapng', 'ringside serve --port 8080 --open'))
      .action(
        act(async ({ output, signal }: Run, file: string | undefined, options: object) => {
          const { serveCommand } = await import('./serve.ts');
          return serveCommand(file, options, output, signal);
        }),
      ),
  );
}

function addCapture(add: Add, act: Act): void {
  add('interfaces', 'network interfaces, and the backends that can capture on them', (command) =>
    command.action(
      act(async ({ output }: Run) => {
        const { interfacesCommand } = await import('./capture.ts');
        return interfacesCommand(output);
      }),
    ),
  );
  add('capture <iface>', 'capture live packets until Ctrl+C', (command) =>
    command
      .option('-f, --filter <bpf>', 'capture filter, as in pcap-filter(7)')
      .addOption(new Option('-b, --backend <name>', 'how to capture').choices(['dumpcap', 'tcpdump', 'cap']))
      .option('-w, --write <file>', 'save as pcapng')
      .option('--seconds <number>', 'stop after this time', seconds)
      .option('--snaplen <bytes>', 'bytes kept of each packet', integer('A snap length', 16, 262_144))
      .addHelpText(
        'after',
        examples('ringside capture eth0 -w office.pcapng', "ringside capture lo --filter 'tcp port 443' --seconds 10 --json"),
      )
      .action(
        act(async ({ output, signal }: Run, device: string, options: object) => {
          const { captureCommand } = await import('./capture.ts');
          return captureCommand(device, options, output, signal);
        }),
      ),
  );
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

function addGenerate(add: Add, act: Act): void {
  add('generate <spec>', 'make a capture from a traffic description (YAML)', (command) =>
    command
      .requiredOption('-o, --output <file>', 'the capture to write')
      .option('--seed <number>', 'seed instead of the one in the file', integer('A seed', 0, 0xffffffff))
      .addHelpText(
        'after',
        examples('ringside generate imix.yaml -o imix.pcapng', 'ringside schema generator   (what a description may say)'),
      )
      .action(
        act(async ({ output, signal }: Run, spec: string, options: { output: string; seed?: number }) => {
          const { generateCommand } = await import('./generate.ts');
          return generateCommand(spec, options.output, options.seed, output, signal);
        }),
      ),
  );
  add('schema', 'JSON Schema of scenario files, traffic descriptions and results', (command) =>
    command
      .addArgument(
        new Argument('[name]', 'which schema')
          .choices(['scenario', 'generator', 'translator', 'converters', 'multicast', 'summary', 'info'])
          .default('scenario'),
      )
      .addHelpText('after', examples('ringside schema > scenario.schema.json', 'ringside schema summary'))
      .action(
        act(async ({ output }: Run, name: SchemaName) => {
          const { schemaCommand } = await import('./schema.ts');
          return schemaCommand(name, output);
        }),
      ),
  );
  add('scenarios [name]', 'the bundled scenarios, or the text of one', (command) =>
    command.addHelpText('after', examples('ringside scenarios', 'ringside scenarios small-rings > mine.yaml')).action(
      act(async ({ output }: Run, name: string | undefined) => {
        const { scenariosCommand } = await import('./schema.ts');
        return scenariosCommand(name, output);
      }),
    ),
  );
}

function addExperiment(add: Add, act: Act): void {
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

function addWindow(add: Add, act: Act): void {
  add('open <file>', 'in the terminal panel: ask the window to open a file', (command) =>
    command.addHelpText('after', examples('ringside open capture.pcapng')).action(
      act(async ({ output, signal }: Run, file: string) => {
        const { openCommand } = await import('./window.ts');
        return openCommand(file, output, signal);
      }),
    ),
  );
  add('session', 'in the terminal panel: what the window has open', (command) =>
    command.addHelpText('after', examples('ringside session --json | jq .info.capture.packets')).action(
      act(async ({ output, signal }: Run) => {
        const { sessionCommand } = await import('./window.ts');
        return sessionCommand(output, signal);
      }),
    ),
  );
}
