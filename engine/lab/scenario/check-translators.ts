import type { Scenario } from '../../contract/index.ts';
import { checkTranslator } from '../translate/config.ts';
import type { Finding } from './yaml-text.ts';

/** What the schema cannot say of translator ports. Their tables are one for all traffic, so the device has one queue. */
export function checkTranslators(scenario: Scenario): Finding[] {
  const findings: Finding[] = [];
  let any = false;
  for (const [i, port] of scenario.ports.entries()) {
    if (port.kind !== 'translator') {
      if (port.translator !== undefined) {
        findings.push({ path: ['ports', i, 'translator'], message: `a ${port.kind} port does not translate; write kind: translator` });
      }
      continue;
    }
    any = true;
    if (port.translator === undefined) continue;
    for (const { path, message } of checkTranslator(port.translator)) findings.push({ path: ['ports', i, 'translator', ...path], message });
  }
  if (any && scenario.device.queues !== 1) {
    const message = 'a translator sees all traffic, so the device has one queue: write queues: 1';
    findings.push({ path: ['device', 'queues'], message });
  }
  return findings;
}
