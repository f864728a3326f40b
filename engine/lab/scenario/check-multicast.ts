import type { Scenario } from '../../contract/index.ts';
import { PortRouter } from '../../multicast/index.ts';
import { MulticastPort, setPortMaker } from '../multicast/index.ts';
import type { Finding } from './yaml-text.ts';

/** What the schema cannot say of multicast ports: one in a scenario, since groups are joined once for all links. */
export function checkMulticastPorts(scenario: Scenario): Finding[] {
  setPortMaker((list, index) => new MulticastPort(list, index));
  const findings: Finding[] = [];
  let first = -1;
  for (const [i, port] of scenario.ports.entries()) {
    const own = port.multicast;
    if (port.kind !== 'multicast') {
      if (own !== undefined)
        findings.push({ path: ['ports', i, 'multicast'], message: `a ${port.kind} port has no router; write kind: multicast` });
      continue;
    }
    if (first >= 0) findings.push({ path: ['ports', i, 'kind'], message: 'there is a multicast port already; a scenario has one' });
    else first = i;
    if (own === undefined) continue;
    const made = PortRouter.create(port.id, own);
    for (const { path, message } of made.ok ? [] : made.error) findings.push({ path: ['ports', i, 'multicast', ...path], message });
    for (const [n, { port: to }] of own.interfaces.entries()) {
      if (to === undefined) continue;
      const target = scenario.ports.find(({ id }) => id === to);
      if (target === undefined)
        findings.push({ path: ['ports', i, 'multicast', 'interfaces', n, 'port'], message: `there is no port ${to}` });
      else if (target === port)
        findings.push({
          path: ['ports', i, 'multicast', 'interfaces', n, 'port'],
          message: 'copies cannot go back to the port they come from',
        });
    }
  }
  if (first >= 0 && scenario.device.queues !== 1)
    findings.push({
      path: ['device', 'queues'],
      message: 'a multicast router sees all traffic, so the device has one queue: write queues: 1',
    });
  return findings;
}
