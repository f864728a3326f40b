import { InvalidArgumentError, Option } from 'commander';
import { examples, integer, onlyFile, outputFile, seconds, setting, type Act, type Add, type Run } from './command-parts.ts';

/** Commands that read a capture file. */
export function addFiles(add: Add, act: Act): void {
  addInfo(add, act);
  addReplay(add, act);
  addPackets(add, act);
  addStats(add, act);
}

/** `max`, or a factor of capture time. */
function speed(text: string): number {
  if (text === 'max') return 0;
  const value = Number(text.replace(/x$/, ''));
  if (!(value > 0 && value <= 1e6)) throw new InvalidArgumentError('`max`, or a factor of capture time such as 1, 0.5 or 10.');
  return value;
}

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
      .option('--trace <file>', 'write the trace, one JSON record a line', onlyFile)
      .option('--report <file>', 'write a report: .html, .json or .pdf; may be repeated', outputFile)
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
