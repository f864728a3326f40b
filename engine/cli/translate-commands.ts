import { Option } from 'commander';
import { UsageError } from './output.ts';
import { examples, integer, seconds, setting, type Act, type Add, type Run } from './command-parts.ts';

/** `translate`, `map`, `translators` and `converters`. */
export function addTranslate(add: Add, act: Act): void {
  add('translate', 'translate captures between IPv4 and IPv6, both sides in one run in the order of time', (command) =>
    command
      .addOption(
        new Option('-m, --mode <mode>', 'instead of the mode in the configuration').choices([
          'siit',
          'nat64',
          'clat',
          'mapt',
          'dns64',
          'relay',
        ]),
      )
      .option('-c, --config <file>', 'configuration in YAML or JSON, or a bundled one (ringside translators)')
      .option('--in6 <file>', 'capture of the IPv6 side')
      .option('--in4 <file>', 'capture of the IPv4 side; the same file as --in6 where one capture holds both')
      .option('--out6 <file>', 'what leaves on the IPv6 side: .pcap or .pcapng')
      .option('--out4 <file>', 'what leaves on the IPv4 side: .pcap or .pcapng')
      .option(
        '--log <file>',
        'bindings made and gone, and drops that RFC 7915 wants told: JSON lines (.jsonl); bindings alone: IPFIX (.ipfix, RFC 8158)',
      )
      .addOption(new Option('--link <type>', 'link layer of the output; as in the input without').choices(['raw', 'ethernet']))
      .option('--live6 <interface>', 'translate live: the interface of the IPv6 side, with the three options below (Linux, root)')
      .option('--next6 <address>', 'where packets to the IPv6 side go: the IPv6 or Ethernet address of the next hop')
      .option('--live4 <interface>', 'the interface of the IPv4 side')
      .option('--next4 <address>', 'where packets to the IPv4 side go: the IPv4 or Ethernet address of the next hop')
      .option('--seconds <number>', 'end a live translation after this time', seconds)
      .option('--explain [number]', 'every packet, or one by its number: each field before and after, with its rule')
      .addHelpText(
        'after',
        examples(
          'ringside translate --config siit --in6 lan.pcapng --out4 wan.pcapng',
          'ringside translate --mode nat64 --config nat64 --in6 a.pcap --in4 b.pcap --out6 c.pcap --out4 d.pcap',
          'ringside translate --config nat64.yaml --in6 a.pcap --json | jq \'select(.verdict == "refused")\'',
          'ringside translate --config nat64 --in6 a.pcap --log bindings.ipfix',
          'ringside translate --config siit --in6 a.pcap --explain 3',
          'ringside translate --config nat64 --live6 eth1 --next6 fe80::1 --live4 eth0 --next4 192.0.2.254',
        ),
      )
      .action(
        act(async ({ output, signal }: Run, options: object) => {
          if (Object.keys(options).some((name) => /^(live|next)[46]$/.test(name))) {
            const { translateLiveCommand } = await import('./translate-live.ts');
            return translateLiveCommand(options, output, signal);
          }
          if ('seconds' in options) throw new UsageError('--seconds is for live translation: it goes with --live6 and --live4');
          const { translateCommand } = await import('./translate.ts');
          return translateCommand(options, output, signal);
        }),
      ),
  );
  add('map <address>', 'how a translator maps an address: the rule, and the bits of the IPv6 address', (command) =>
    command
      .option('-c, --config <file>', 'configuration in YAML or JSON, or a bundled one')
      .addHelpText('after', examples('ringside map 192.0.2.33', 'ringside map 2001:db8:1::1 --config eam'))
      .action(
        act(async ({ output }: Run, address: string, options: { config?: string }) => {
          const { mapCommand } = await import('./map.ts');
          return mapCommand(address, options.config, output);
        }),
      ),
  );
  add('translators [name]', 'the bundled translator configurations, or the text of one', (command) =>
    command.addHelpText('after', examples('ringside translators', 'ringside translators nat64 > mine.yaml')).action(
      act(async ({ output }: Run, name: string | undefined) => {
        const { translatorsCommand } = await import('./map.ts');
        return translatorsCommand(name, output);
      }),
    ),
  );
  add('converters [scenario]', 'terminals that convert addresses for the calls of others, or the bundled scenarios', (command) =>
    command
      .option('--seed <number>', 'seed of everything random', integer('A seed', 0, 0xffffffff))
      .option('--set <path=value>', 'change one parameter; may be repeated', setting)
      .option('--explain', 'every choice of a converter: all candidates, their scores, and why the others lost')
      .option('--messages', 'every message of call control, in order')
      .option('-o, --output <folder>', 'captures of the legs of every converter and of the signalling, as pcapng')
      .option('--capture <file>', 'run the UDP conversations of a capture as the calls; without a scenario, in the network office')
      .addHelpText(
        'after',
        examples(
          'ringside converters',
          'ringside converters --capture calls.pcapng',
          'ringside converters two-phones --explain',
          'ringside converters office --set switch.selection=rtt',
          'ringside converters office --json | jq -c .divert?',
          'ringside converters mine.yaml -o legs/     (ringside schema converters: what a file may say)',
        ),
      )
      .action(
        act(async ({ output, signal }: Run, name: string | undefined, options: object) => {
          const { convertersCommand } = await import('./converters.ts');
          return convertersCommand(name, options, output, signal);
        }),
      ),
  );
}
