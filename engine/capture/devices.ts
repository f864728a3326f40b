import { readFileSync, readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { CaptureDevice } from '../contract/index.ts';

/** Interface flags of <net/if.h>, as Linux shows them in /sys/class/net/NAME/flags. */
const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;

/** ARPHRD_ values of <net/if_arp.h> that are worth a word, from /sys/class/net/NAME/type. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: 'Ethernet',
  772: 'loopback',
  65_534: 'raw IP',
  778: 'GRE',
  776: '6in4',
  512: 'PPP',
};

function sys(name: string, file: string): string {
  try {
    return readFileSync(`/sys/class/net/${name}/${file}`, 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * Interfaces of this machine, whether or not this user may capture on them. Sorted: those that are up first, loopback last, then by name.
 */
export function listDevices(): CaptureDevice[] {
  const addresses = networkInterfaces();
  let names = Object.keys(addresses);
  let linux = false;
  try {
    names = [...new Set([...readdirSync('/sys/class/net'), ...names])].filter((name) => sys(name, 'flags') !== '');
    linux = true;
  } catch {
    // Not Linux: what Node lists has an address and so is up.
  }
  const devices = names.map((name): CaptureDevice => {
    const own = addresses[name] ?? [];
    const flags = linux ? Number(sys(name, 'flags')) : IFF_UP | (own.some((a) => a.internal) ? IFF_LOOPBACK : 0);
    const type = linux ? (TYPE_NAMES[Number(sys(name, 'type'))] ?? '') : '';
    return {
      name,
      description: type,
      addresses: own.map((a) => a.address),
      up: (flags & IFF_UP) !== 0,
      loopback: (flags & IFF_LOOPBACK) !== 0,
    };
  });
  const rank = (d: CaptureDevice): number => (d.up ? 0 : 2) + (d.loopback ? 1 : 0);
  return devices.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
