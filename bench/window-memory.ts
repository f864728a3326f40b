import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, startHost } from './host-process.ts';

/** The host's memory while a file is open in a window, MiB: peaks up to the end of each phase. */
export interface WindowMemory {
  readonly packets: number;
  /** Of the host before the file is opened. */
  readonly idleMiB: number;
  readonly openedMiB: number;
  readonly replayedMiB: number;
  /** After the survey that makes snapshots, and some seeks: the peak of all. */
  readonly peakMiB: number;
  /** What the process holds at the end. */
  readonly endMiB: number;
}

/** The survey follows the run and says nothing when it ends: memory that has not grown for this long is its end. */
const STEADY_MS = 3_000;
const POLL_MS = 100;
const SEEKS = 8;

/** Opens a file in a `ringside serve` as a window does, lets the run and the survey end, seeks about, and reads the host's peak memory. */
export async function windowMemory(file: string): Promise<WindowMemory> {
  const host = startHost(file);
  try {
    const client = await connect(host);
    const finished = new Promise<void>((resolve) => client.on('run.finished', () => resolve())); // prettier-ignore
    const idleMiB = memoryOf(host, 'VmHWM');
    const { initial } = await client.call('hello', {});
    if (initial === null) throw new Error('the host has no input to open');
    const { id: session, capture } = await client.call('session.open', { handle: initial.handle });
    const openedMiB = memoryOf(host, 'VmHWM');
    await finished;
    const replayedMiB = memoryOf(host, 'VmHWM');
    await steady(host);
    for (let i = 1; i <= SEEKS; i++) {
      await client.call('transport.seek', { session, tNs: (capture.durationNs * i) / SEEKS });
      await client.call('flows.list', { session, sort: 'bytes', descending: true, first: 0, count: 50 });
    }
    const answer = {
      packets: capture.packets,
      idleMiB,
      openedMiB,
      replayedMiB,
      peakMiB: memoryOf(host, 'VmHWM'),
      endMiB: memoryOf(host, 'VmRSS'),
    };
    client.dispose();
    return answer;
  } finally {
    host.kill('SIGTERM');
  }
}

async function steady(host: ChildProcess): Promise<void> {
  let last = 0;
  for (let since = performance.now(); performance.now() - since < STEADY_MS; await sleep(POLL_MS)) {
    const now = cpuTicks(host);
    // Two ticks of 10 ms in 100 ms: a host that waits uses less, a survey more.
    if (now - last > 2) since = performance.now();
    last = now;
  }
}

/** User time of the process so far, ticks of 10 ms. */
function cpuTicks(host: ChildProcess): number {
  const stat = readFileSync(`/proc/${String(host.pid)}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[11]);
}

function memoryOf(host: ChildProcess, field: 'VmHWM' | 'VmRSS'): number {
  const status = readFileSync(`/proc/${String(host.pid)}/status`, 'utf8');
  return Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1_024);
}
