import { execFileSync, spawn, type ChildProcess } from 'node:child_process';

/** Two network namespaces joined by one veth pair, for tests with real traffic. Everything is removed by dispose. */
export interface NamespacePair {
  readonly a: string;
  readonly b: string;
  readonly ifaceA: string;
  readonly ifaceB: string;
  readonly addressA: string;
  readonly addressB: string;
  /** Runs a program inside a namespace and returns its output; throws when it fails. */
  run(namespace: string, program: string, args: readonly string[], timeoutMs?: number): string;
  start(namespace: string, program: string, args: readonly string[]): ChildProcess;
  dispose(): void;
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe', timeout: 10_000 });
}

/** Whether this process may make network namespaces; the reason where it may not. */
export function namespacesAvailable(): { readonly ok: boolean; readonly why: string } {
  if (process.platform !== 'linux') return { ok: false, why: 'network namespaces are a Linux feature' };
  if (process.getuid?.() !== 0) return { ok: false, why: 'making network namespaces needs root' };
  const name = `rs-probe-${process.pid}`;
  try {
    ip('netns', 'add', name);
    try {
      ip('-n', name, 'link', 'set', 'lo', 'up');
    } finally {
      ip('netns', 'del', name);
    }
    return { ok: true, why: '' };
  } catch (error) {
    return { ok: false, why: `network namespaces cannot be made here: ${error instanceof Error ? error.message : String(error)}` };
  }
}

let made = 0;

export function makeNamespacePair(): NamespacePair {
  const tag = `${process.pid % 100_000}-${made++}`;
  const a = `rs-a-${tag}`;
  const b = `rs-b-${tag}`;
  const ifaceA = 'veth-a';
  const ifaceB = 'veth-b';
  const children: ChildProcess[] = [];
  const dispose = (): void => {
    for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    for (const name of [a, b]) {
      try {
        ip('netns', 'del', name);
      } catch {
        // Never made, or already gone.
      }
    }
  };
  try {
    ip('netns', 'add', a);
    ip('netns', 'add', b);
    ip('-n', a, 'link', 'add', ifaceA, 'type', 'veth', 'peer', 'name', ifaceB, 'netns', b);
    ip('-n', a, 'addr', 'add', '192.0.2.1/24', 'dev', ifaceA);
    ip('-n', b, 'addr', 'add', '192.0.2.2/24', 'dev', ifaceB);
    for (const [name, iface] of [
      [a, ifaceA],
      [b, ifaceB],
    ] as const) {
      ip('-n', name, 'link', 'set', 'lo', 'up');
      ip('-n', name, 'link', 'set', iface, 'up');
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return {
    a,
    b,
    ifaceA,
    ifaceB,
    addressA: '192.0.2.1',
    addressB: '192.0.2.2',
    run: (namespace, program, args, timeoutMs = 30_000) =>
      execFileSync('ip', ['netns', 'exec', namespace, program, ...args], {
        encoding: 'utf8',
        timeout: timeoutMs,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    start: (namespace, program, args) => {
      const child = spawn('ip', ['netns', 'exec', namespace, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      children.push(child);
      return child;
    },
    dispose,
  };
}

/** Addresses and names of the second link: see addIpv6Link. */
export const IPV6_LINK = { ifaceA: 'veth6-a', ifaceB: 'veth6-b', addressA: '2001:db8::2', addressB: '2001:db8::1' } as const;

/** A second veth pair between the namespaces, for IPv6: `b` can then be a translator with one interface for each family, and `a` the hosts of both. */
export function addIpv6Link({ a, b }: NamespacePair): void {
  const { ifaceA, ifaceB, addressA, addressB } = IPV6_LINK;
  ip('-n', a, 'link', 'add', ifaceA, 'type', 'veth', 'peer', 'name', ifaceB, 'netns', b);
  for (const [name, iface, address] of [
    [a, ifaceA, addressA],
    [b, ifaceB, addressB],
  ] as const) {
    ip('-n', name, '-6', 'addr', 'add', `${address}/64`, 'dev', iface, 'nodad');
    ip('-n', name, 'link', 'set', iface, 'up');
  }
}
