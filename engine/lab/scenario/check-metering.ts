import type { NetworkSpec, PortSpec, SocketsSpec } from '../../contract/index.ts';
import { parseConditionsCsv } from '../../stack/index.ts';
import type { Finding, Path } from './yaml-text.ts';

/** The file is put into the text before it is checked; here there is no folder to look in. */
const UNREAD_FILE =
  'is read only by the command line, from a scenario that is a file: there write csvFile: NAME in plain text and no csv beside it; in the window load it with CSV… in the Bursts panel, or write its text under csv';

/** What the schema cannot say about the network, the meter and the sockets. */
export function checkNetwork(network: NetworkSpec | undefined): Finding[] {
  const conditions = network?.conditions;
  if (conditions === undefined) return [];
  const path: Path = ['device', 'network', 'conditions'];
  const findings: Finding[] = [];
  const csv = parseConditionsCsv(conditions.csv);
  if (!csv.ok) findings.push({ path: [...path, 'csv'], message: `line ${String(csv.error.line)}: ${csv.error.message}` });
  if (conditions.csvFile !== undefined) return [...findings, { path: [...path, 'csvFile'], message: UNREAD_FILE }];
  const given = conditions.rows.length > 0 || conditions.csv.trim() !== '';
  if (conditions.trace === 'rows' && !given) {
    findings.push({
      path: [...path, 'trace'],
      message: 'gives no rows: write them under rows or csv, name a csvFile, or choose steady, fading or handover',
    });
  }
  if (conditions.trace !== 'rows' && given) {
    findings.push({ path: [...path, 'trace'], message: 'rows and csv are read only where trace is rows' });
  }
  return findings;
}

export function checkMetering(port: PortSpec, path: Path): Finding[] {
  const { meter, sockets } = port;
  const findings: Finding[] = [];
  if (port.kind === 'user') {
    for (const field of ['meter', 'sockets'] as const) {
      if (port[field] === undefined) continue;
      const message = `a user port has a stack of its own and no sockets; ${field} belongs on the host port`;
      findings.push({ path: [...path, field], message });
    }
  }
  if (sockets !== undefined && sockets.lowatBytes > sockets.rcvbufBytes) {
    findings.push({
      path: [...path, 'sockets', 'lowatBytes'],
      message: 'must not be above rcvbufBytes: the application would never be woken',
    });
  }
  if (sockets !== undefined) findings.push(...checkSocketNumbers(sockets, [...path, 'sockets']));
  if (meter === undefined) return findings;
  if (meter.minSlots > meter.maxSlots) findings.push({ path: [...path, 'meter', 'minSlots'], message: 'must not be above maxSlots' });
  if (meter.rateMinBps !== undefined && meter.rateMaxBps !== undefined && meter.rateMinBps > meter.rateMaxBps) {
    findings.push({ path: [...path, 'meter', 'rateMinBps'], message: 'must not be above rateMaxBps' });
  }
  return findings;
}

/** A socket that stalls or closes must be one that there can be. */
function checkSocketNumbers(sockets: SocketsSpec, path: Path): Finding[] {
  const [limit, field] = sockets.by === 'count' ? [sockets.count, 'count'] : [sockets.max, 'max'];
  const findings: Finding[] = [];
  for (const list of ['stalls', 'closes'] as const) {
    for (const [i, { socket }] of sockets[list].entries()) {
      if (socket === undefined || socket < limit) continue;
      const message = `there is no socket ${String(socket)}: ${field} gives sockets 0 to ${String(limit - 1)}`;
      findings.push({ path: [...path, list, i, 'socket'], message });
    }
  }
  return findings;
}
