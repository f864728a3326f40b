import { readFileSync } from 'node:fs';
import { connect, startHost } from './host-process.ts';
import { spread, type Spread } from './measure.ts';

/** What the Bursts panel waits for, ms: `burst.run` as a window asks for it, the answer included. */
export interface WhatIfTimes {
  readonly packets: number;
  readonly durationS: number;
  /** The first look: code that has not run yet, the meter on and off. */
  readonly firstMs: number;
  /** A parameter of the meter: the run with the meter off is kept. */
  readonly meterMs: Spread;
  /** A parameter of the sockets: both runs. */
  readonly socketsMs: Spread;
  /** Processor time of the host for one changed parameter of the meter, and of the sockets. */
  readonly meterCpuMs: number;
  readonly socketsCpuMs: number;
}

const BINS = 600;
const TICK_MS = 10;

/** Opens a file in the default scenario, which gets a meter and sockets, and changes parameters one after the other. */
export async function whatIfTimes(file: string, rounds: number): Promise<WhatIfTimes> {
  const host = startHost(file);
  try {
    const client = await connect(host);
    const finished = new Promise<void>((resolve) => client.on('run.finished', () => resolve())); // prettier-ignore
    const { initial } = await client.call('hello', {});
    if (initial === null) throw new Error('the host has no input to open');
    const { id: session, capture } = await client.call('session.open', { handle: initial.handle });
    await finished;
    const ask = async (path: string, value: number): Promise<number> => {
      const started = performance.now();
      const overrides = [{ path: `ports.host.${path}`, value }];
      await client.call('burst.run', { session, overrides, fromNs: 0, toNs: capture.durationNs, bins: BINS });
      return performance.now() - started;
    };
    const several = async (path: string, values: readonly number[]): Promise<{ ms: Spread; cpuMs: number }> => {
      const before = cpuMs(host.pid);
      const times: number[] = [];
      for (const value of values) times.push(await ask(path, value));
      return { ms: spread(times), cpuMs: (cpuMs(host.pid) - before) / values.length };
    };
    const steps = Array.from({ length: rounds }, (_, i) => i + 1);
    const firstMs = await ask('meter.intervalUs', 1_000);
    const meter = await several('meter.intervalUs', steps.map((i) => 1_000 + 250 * i)); // prettier-ignore
    const sockets = await several('sockets.rcvbufBytes', steps.map((i) => 65_536 + 1_024 * i)); // prettier-ignore
    client.dispose();
    return {
      packets: capture.packets,
      durationS: capture.durationNs / 1e9,
      firstMs,
      meterMs: meter.ms,
      socketsMs: sockets.ms,
      meterCpuMs: meter.cpuMs,
      socketsCpuMs: sockets.cpuMs,
    };
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
