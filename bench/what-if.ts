import { readFileSync } from 'node:fs';
import { connect, startHost } from './host-process.ts';
import { spread, type Spread } from './measure.ts';

/** A question as the panel asks it: how long the answer took, and the processor time of the host for it. */
export interface Look {
  readonly ms: number;
  readonly cpuMs: number;
}

/** One parameter of the panel, changed several times. */
export interface ParameterTimes {
  readonly parameter: string;
  readonly ms: Spread;
  readonly cpuMs: Spread;
}

/** What the Bursts panel waits for: `burst.run` as a window asks for it, the answer included. */
export interface WhatIfTimes {
  readonly packets: number;
  readonly durationS: number;
  /** The first packets, and then all of them: code that has not run yet, the meter on and off. */
  readonly first: Look;
  readonly whole: Look;
  /** The same parameters again, another stretch of time: nothing is run. */
  readonly closer: Look;
  readonly parameters: readonly ParameterTimes[];
}

const BINS = 600;
/** As the panel asks first. */
const FIRST_LOOK_PACKETS = 4_096;
const TICK_MS = 10;

interface Override {
  readonly path: string;
  readonly value: string | number;
}

/** Every parameter of the panel, with another value each time. */
const PARAMETERS: readonly { readonly parameter: string; readonly path: string; readonly value: (i: number) => string | number }[] = [
  { parameter: 'interval', path: 'ports.host.meter.intervalUs', value: (i) => 1_000 + 250 * i },
  { parameter: 'portion', path: 'ports.host.meter.portionCapBytes', value: (i) => 4_096 * (i + 1) },
  { parameter: 'rate', path: 'ports.host.meter.rateMaxBps', value: (i) => 50_000_000 * i },
  { parameter: 'ring size', path: 'ports.host.meter.fixedSlots', value: (i) => 2 ** (5 + (i % 8)) },
  { parameter: 'full ring', path: 'ports.host.meter.overflow', value: (i) => ['head_drop', 'hold_in_pool', 'tail_drop'][i % 3]! },
  { parameter: 'ring per', path: 'ports.host.meter.grouping', value: (i) => ['interface', 'socket'][i % 2]! },
  { parameter: 'receive buffer', path: 'ports.host.sockets.rcvbufBytes', value: (i) => 65_536 + 1_024 * i },
  { parameter: 'reader', path: 'ports.host.sockets.readerBps', value: (i) => 100_000_000 * i },
  { parameter: 'profile', path: 'device.network.profile', value: (i) => ['lte', 'nr', 'wifi6', 'satellite', 'ethernet'][i % 5]! },
  { parameter: 'channel', path: 'device.network.conditions.trace', value: (i) => ['fading', 'handover', 'steady'][i % 3]! },
];

/** Opens a file in the default scenario, which gets a meter and sockets, looks, and changes parameters one after the other. */
export async function whatIfTimes(file: string, rounds: number): Promise<WhatIfTimes> {
  const host = startHost(file);
  try {
    const client = await connect(host);
    const finished = new Promise<void>((resolve) => client.on('run.finished', () => resolve())); // prettier-ignore
    const { initial } = await client.call('hello', {});
    if (initial === null) throw new Error('the host has no input to open');
    const { id: session, capture } = await client.call('session.open', { handle: initial.handle });
    await finished;
    const look = async (overrides: readonly Override[], more: { packets?: number; toNs?: number } = {}): Promise<Look> => {
      const [started, before] = [performance.now(), cpuMs(host.pid)];
      await client.call('burst.run', { session, overrides: [...overrides], fromNs: 0, toNs: capture.durationNs, bins: BINS, ...more });
      return { ms: performance.now() - started, cpuMs: cpuMs(host.pid) - before };
    };
    const first = await look([], { packets: FIRST_LOOK_PACKETS });
    const whole = await look([]);
    const closer = await look([], { toNs: capture.durationNs / 10 });
    const parameters: ParameterTimes[] = [];
    for (const { parameter, path, value } of PARAMETERS) {
      const looks: Look[] = [];
      for (let i = 1; i <= rounds; i++) looks.push(await look([{ path, value: value(i) }]));
      parameters.push({ parameter, ms: spread(looks.map(({ ms }) => ms)), cpuMs: spread(looks.map((one) => one.cpuMs)) });
    }
    client.dispose();
    return { packets: capture.packets, durationS: capture.durationNs / 1e9, first, whole, closer, parameters };
  } finally {
    host.kill('SIGTERM');
  }
}

/** User and system time of a process so far. */
function cpuMs(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
