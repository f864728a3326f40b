import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { EngineError } from '../contract/index.ts';
import { formatMac, parseIpv4, parseIpv6, parseMac } from '../wire/index.ts';
import { listDevices } from './devices.ts';
import { findProgram, runProgram } from './programs.ts';

/** Discard (RFC 863): a datagram to it makes the kernel ask for the address of its link. */
const DISCARD_PORT = 9;
const RESOLVE_MS = 3_000;
const STEP_MS = 50;

/** An Ethernet interface that frames can be sent from. */
export interface EthernetLink {
  readonly device: string;
  /** Its own address, 6 bytes. */
  readonly own: Uint8Array;
}

const text = (path: string): string => {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return '';
  }
};

/**
 * An interface on which packets can be translated: Ethernet, up, and not one that the kernel itself forwards from, because it would then answer or
 * forward what is translated. `option` is what the user said it with.
 */
export function ethernetLink(device: string, family: 4 | 6, option: string): EthernetLink {
  const found = listDevices().find(({ name }) => name === device);
  if (found === undefined) {
    const names = listDevices().map(({ name }) => name);
    throw new EngineError({
      code: 'not-found',
      message: `${option}: there is no interface ${device}.`,
      fix: `Interfaces here: ${names.join(', ')}`,
    });
  }
  const own = parseMac(text(`/sys/class/net/${device}/address`));
  if (own === undefined || found.description !== 'Ethernet') throw wrong(option, `${device} is no Ethernet interface`);
  if (!found.up) throw wrong(option, `${device} is down`, `ip link set ${device} up`);
  const forwarding = `net.ipv${String(family)}.conf.${device}.forwarding`;
  if (text(`/proc/sys/${forwarding.replaceAll('.', '/')}`) === '1') {
    throw wrong(
      option,
      `the kernel forwards IPv${String(family)} from ${device}: it would take the same packets`,
      `sysctl -w ${forwarding}=0`,
    );
  }
  return { device, own };
}

function wrong(option: string, message: string, fix?: string): EngineError {
  return new EngineError({
    code: 'bad-input',
    message: `${option}: ${message}.`,
    where: { field: option },
    ...(fix !== undefined && { fix }),
  });
}

/** The link address (6 bytes) of the next hop: given as one, or as an IP address that the kernel then looks for on the link. */
export async function nextHopAddress({ device }: EthernetLink, hop: string, family: 4 | 6, option: string): Promise<Uint8Array> {
  const given = parseMac(hop);
  if (given !== undefined) return given;
  if ((family === 6 ? parseIpv6(hop) : parseIpv4(hop)) === undefined) {
    throw wrong(option, `${hop} is no address of IPv${String(family)} and none of Ethernet`);
  }
  const program = findProgram('ip')?.path;
  if (program === undefined) throw wrong(option, 'the next hop can only be looked for with ip', 'sudo apt-get install iproute2');
  await ask(device, hop, family);
  for (let waitedMs = 0; waitedMs < RESOLVE_MS; waitedMs += STEP_MS) {
    const { stdout } = await runProgram(program, [`-${String(family)}`, 'neigh', 'show', hop, 'dev', device]);
    const found = parseMac(/ lladdr (\S+)/.exec(stdout)?.[1] ?? '');
    if (found !== undefined && !stdout.includes('FAILED')) return found;
    await wait(STEP_MS);
  }
  throw wrong(
    option,
    `${hop} does not answer on ${device}`,
    `ip -${String(family)} neigh show dev ${device}; or give the Ethernet address of the next hop`,
  );
}

/** Makes the kernel look for the address. */
async function ask(device: string, hop: string, family: 4 | 6): Promise<void> {
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  socket.on('error', () => undefined);
  const scoped = family === 6 && /^fe[89ab]/i.test(hop) ? `${hop}%${device}` : hop;
  socket.send(new Uint8Array(1), DISCARD_PORT, scoped, () => {
    socket.close();
  });
  await once(socket, 'close');
}

/**
 * Unicast packets of one family that came for this interface but for none of its own IP addresses: what a router would forward. Frames that leave have
 * another destination. (`inbound` is left out: libpcap applies it to the first packet without knowing its direction, and loses it.) pcap-filter(7).
 */
export function forwardedFilter({ device, own }: EthernetLink, family: 4 | 6): string {
  const addresses = listDevices().find(({ name }) => name === device)?.addresses ?? [];
  const notOwn = addresses.filter((address) => address.includes(':') === (family === 6)).map((address) => `not dst host ${address}`);
  return [`ether dst ${formatMac(own, 0)}`, family === 6 ? 'ip6' : 'ip', ...notOwn].join(' and ');
}

/**
 * Linux answers IPv6 packets that it has no route for, whether it forwards or not: the sender would be told that the prefix is unreachable while it is
 * translated. Throws where it would, with the route that makes it keep quiet. `prefix` is one such as 64:ff9b::/96.
 */
export async function checkSilent(prefix: string): Promise<void> {
  const program = findProgram('ip')?.path;
  if (program === undefined) return;
  const { stderr } = await runProgram(program, ['-6', 'route', 'get', prefix.replace(/\/.*$/, '')]);
  if (!stderr.includes('unreachable')) return;
  throw wrong(
    '--live6',
    `the kernel has no route to ${prefix} and would answer each packet with an error`,
    `ip -6 route add blackhole ${prefix}`,
  );
}
