import { readFileSync, readlinkSync } from 'node:fs';
import type { CaptureBackend } from '../contract/index.ts';
import { findCap, findProgram, runProgram } from './programs.ts';

/** Bit of CAP_NET_RAW in the capability sets of /proc/self/status (capabilities(7)). */
const CAP_NET_RAW = 13n;

/** Time stamps of each backend, as shown and kept with the capture. */
export const TIMESTAMPS = {
  dumpcap: 'kernel, nanoseconds (dumpcap)',
  tcpdump: 'kernel, nanoseconds (tcpdump)',
  cap: 'JavaScript, taken when the packet reached the helper (cap)',
} as const;

const isRoot = (): boolean => process.getuid?.() === 0;

/** Root of a container or a service may lack the capability: what the kernel says counts. */
function processMayCapture(): boolean {
  try {
    const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return effective !== undefined && ((BigInt(`0x${effective}`) >> CAP_NET_RAW) & 1n) === 1n;
  } catch {
    return isRoot();
  }
}

/** Why the kernel would refuse, and what mends it. Root without the capability has it taken away from outside; a file cannot give it back. */
function refusedByKernel(who: string, file: string): Pick<CaptureBackend, 'ok' | 'why' | 'fix'> {
  if (isRoot()) {
    return {
      ok: false,
      why: `${who} may not open interfaces: this runs without the capability CAP_NET_RAW.`,
      fix: 'Start the container or service with it, such as docker run --cap-add=NET_RAW --cap-add=NET_ADMIN',
    };
  }
  return { ok: false, why: `${who} may not open interfaces for this user.`, fix: `sudo setcap cap_net_raw,cap_net_admin=eip ${file}` };
}

/** Whether the program file itself carries the capability, so that it can capture for a user who cannot. */
async function fileMayCapture(path: string): Promise<boolean> {
  const getcap = findProgram('getcap');
  if (getcap === undefined) return false;
  const { stdout } = await runProgram(getcap.path, [path]);
  return stdout.includes('cap_net_raw');
}

async function programBackend(id: 'dumpcap' | 'tcpdump', debianPackage: string): Promise<CaptureBackend> {
  const found = findProgram(id);
  const base = { id, timestamps: TIMESTAMPS[id] };
  if (found === undefined) {
    return { ...base, ok: false, why: `${id} is not installed.`, fix: `sudo apt-get install ${debianPackage}` };
  }
  if (!found.runnable) {
    return {
      ...base,
      ok: false,
      why: `${found.path} may only be run by members of a group.`,
      fix: 'sudo usermod -aG wireshark "$USER" && newgrp wireshark',
    };
  }
  if (process.platform === 'linux' && !processMayCapture() && (isRoot() || !(await fileMayCapture(found.path)))) {
    return { ...base, ...refusedByKernel(id, found.path) };
  }
  return { ...base, ok: true, why: '', fix: '' };
}

function capBackend(): CaptureBackend {
  const base = { id: 'cap', timestamps: TIMESTAMPS.cap } as const;
  if (findCap() === undefined) {
    return {
      ...base,
      ok: false,
      why: 'The module cap was not compiled.',
      fix: 'sudo apt-get install libpcap-dev g++ make python3 && npm rebuild cap',
    };
  }
  if (process.platform === 'linux' && !processMayCapture()) {
    let node = process.execPath;
    try {
      node = readlinkSync(node);
    } catch {
      // Not a link.
    }
    return { ...base, ...refusedByKernel('Node', node) };
  }
  return { ...base, ok: true, why: '', fix: '' };
}

/** The backends in order of preference: kernel time stamps and drop counts first. */
export async function listBackends(): Promise<CaptureBackend[]> {
  return [await programBackend('dumpcap', 'wireshark-common'), await programBackend('tcpdump', 'tcpdump'), capBackend()];
}
