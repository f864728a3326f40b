import { Argument, Command, Option } from 'commander';
import { addAnalysis, addExperiment } from './analysis-commands.ts';
import { examples, integer, seconds, type Act, type Add, type Run } from './command-parts.ts';
import { addFiles } from './file-commands.ts';
import { addMulticast } from './multicast-command.ts';
import { createOutput, runWork } from './output.ts';
import type { SchemaName } from './schema.ts';
import { addTranslate } from './translate-commands.ts';

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

  const add: Add = (spec, description, build) =>
    build(program.command(spec).description(description)).option('--json', 'print JSON, one object a line');
  const act =
    <A extends readonly unknown[]>(work: (run: Run, ...args: A) => Promise<number> | number) =>
    async (...args: [...A, Command]): Promise<void> => {
      const command = args.at(-1) as Command;
      const output = createOutput(command.opts<{ json?: boolean }>().json === true);
      finish(await runWork(output, () => work({ output, signal }, ...(args.slice(0, -1) as unknown as A))));
    };

  addFiles(add, act);
  addServe(add, act);
  addCapture(add, act);
  addAnalysis(add, act);
  addGenerate(add, act);
  addExperiment(add, act);
  addTranslate(add, act);
  addMulticast(add, act);
  addWindow(add, act);
  return program;
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
