import { examples, type Act, type Add, type Run } from './command-parts.ts';

/** `multicast`. */
export function addMulticast(add: Add, act: Act): void {
  add(
    'multicast [network]',
    'a network of multicast routers: joins, the choice of the path, data; or the membership that a capture leads to',
    (command) =>
      command
        .option('--at <seconds>', 'show the network at this time instead of at its end', Number)
        .option('-s, --scenario <id|file>', 'the router of a capture is the multicast port of this scenario')
        .option('--explain', 'every choice of a path: both candidates, the rule, the reason')
        .option('--messages', 'every join, prune, report and register, with the addresses of the other family')
        .option('-o, --output <folder>', 'the packets of every router interface, as pcapng')
        .addHelpText(
          'after',
          examples(
            'ringside multicast                              (the bundled networks)',
            'ringside multicast shorter-path --explain',
            'ringside multicast mine.yaml --at 12.5 --messages',
            'ringside multicast shorter-path -o captures/ && wireshark captures/r3.pcapng',
            'ringside multicast office.pcapng                (who has joined what)',
            'ringside multicast office.pcapng -s multicast-port --explain',
            "ringside multicast shorter-path --json | jq -c 'select(.entry) | .entry | [.router, .key.text, .choice]'",
          ),
        )
        .action(
          act(async ({ output, signal }: Run, network: string | undefined, options: object) => {
            const { multicastCommand } = await import('./multicast.ts');
            return multicastCommand(network, options, output, signal);
          }),
        ),
  );
}
