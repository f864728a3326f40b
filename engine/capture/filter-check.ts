import { findProgram, runProgram } from './programs.ts';

/** Longest capture filter that is accepted, in characters. */
export const MAX_FILTER_LENGTH = 4_096;

/**
 * Compiles a capture filter (pcap-filter(7)) before anything is opened, for Ethernet, with tcpdump and without privilege.
 * Where there is no tcpdump the filter is checked by the backend at the start, and the message says so.
 */
export async function checkFilter(filter: string): Promise<{ ok: boolean; message: string }> {
  const text = filter.trim();
  if (text === '') return { ok: true, message: 'everything is captured' };
  if (text.length > MAX_FILTER_LENGTH) {
    return { ok: false, message: `the filter has ${text.length} characters, ${MAX_FILTER_LENGTH} are the most` };
  }
  const tcpdump = findProgram('tcpdump');
  if (tcpdump?.runnable !== true) return { ok: true, message: 'not checked: tcpdump is not installed; the backend checks it at the start' };
  // `--` keeps a filter that starts with a dash from being read as an option.
  const { code, stdout, stderr } = await runProgram(tcpdump.path, ['-y', 'EN10MB', '-d', '--', text]);
  if (code === 0) return { ok: true, message: `${stdout.trim().split('\n').length} BPF instructions` };
  const reason = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('Warning:'))
    .join(' ')
    .replace(/^tcpdump: /, '');
  return { ok: false, message: reason === '' ? 'the filter could not be compiled' : reason };
}
