import type { Scenario, StackSection } from '../../contract/index.ts';
import { prefixProblem, prefixVersion } from './prefix.ts';
import type { Finding, Path } from './yaml-text.ts';

/** What the schema cannot say about the `stack` section: names that nobody has, names used twice, addresses that are none. */
export function checkStack(scenario: Scenario): Finding[] {
  const { stack } = scenario;
  if (stack === undefined) return [];
  const findings: Finding[] = [];
  const ports = scenario.ports.filter((p) => p.kind === 'user').map((p) => p.id);
  const instances = instanceNames(scenario, stack);
  const known = (path: Path, name: string | undefined, names: readonly string[], what: string): void => {
    if (name === undefined || names.includes(name)) return;
    findings.push({ path, message: `there is no ${what} ${name}; there is ${names.length === 0 ? 'none' : names.join(', ')}` });
  };
  for (const list of ['instances', 'flows', 'faults'] as const) {
    const ids = stack[list].map((each) => each.id);
    ids.forEach((id, i) => {
      if (ids.indexOf(id) < i) findings.push({ path: ['stack', list, i, 'id'], message: `the name ${id} is taken already` });
    });
  }
  stack.instances.forEach((instance, i) => {
    const path: Path = ['stack', 'instances', i];
    known([...path, 'port'], instance.port, ports, 'user port');
    if (instance.id === 'bsd')
      findings.push({ path: [...path, 'id'], message: 'bsd is the stack of the kernel; give the instance another name' });
  });
  stack.bindings.forEach((binding, i) => {
    known(['stack', 'bindings', i, 'port'], binding.port, ports, 'user port');
  });
  stack.flows.forEach((flow, i) => {
    const path: Path = ['stack', 'flows', i];
    known([...path, 'instance'], flow.instance, instances, 'instance');
    findings.push(...checkFlow(flow, path));
  });
  stack.faults.forEach((fault, i) => {
    known(
      ['stack', 'faults', i, 'port'],
      fault.port,
      scenario.ports.map((p) => p.id),
      'port',
    );
  });
  const flows = stack.flows.map((f) => f.id);
  const faults = stack.faults.map((f) => f.id);
  stack.events.forEach((event, i) => {
    const path: Path = ['stack', 'events', i];
    if ('instance' in event) known([...path, 'instance'], event.instance, instances, 'instance');
    if ('port' in event) known([...path, 'port'], event.port, ports, 'user port');
    if ('flow' in event) known([...path, 'flow'], event.flow, flows, 'flow');
    if ('fault' in event) known([...path, 'fault'], event.fault, faults, 'fault');
  });
  const advisory = stack.aqm?.advisory;
  if (advisory !== undefined && advisory.resumeBytes >= advisory.suspendBytes) {
    const message = 'must be less than suspendBytes, so that a flow is not suspended and resumed by the same packet';
    findings.push({ path: ['stack', 'aqm', 'advisory', 'resumeBytes'], message });
  }
  return findings;
}

/** Instances as the model names them: a user port without one has one of its own name. */
function instanceNames(scenario: Scenario, stack: StackSection): string[] {
  const own = scenario.ports.filter((p) => p.kind === 'user' && !stack.instances.some((i) => i.port === p.id)).map((p) => p.id);
  return ['bsd', ...stack.instances.map((i) => i.id), ...own];
}

function checkFlow(flow: StackSection['flows'][number], path: Path): Finding[] {
  const findings: Finding[] = [];
  for (const field of ['localAddress', 'remoteAddress'] as const) {
    const text = flow[field];
    if (text === undefined) continue;
    const problem = text.includes('/') ? 'must be one address, not a prefix' : prefixProblem(text);
    if (problem !== undefined) findings.push({ path: [...path, field], message: problem });
    else if (prefixVersion(text) !== flow.ipVersion) {
      findings.push({ path: [...path, field], message: `is not an IPv${String(flow.ipVersion)} address; ipVersion says which it is` });
    }
  }
  const remote = [flow.remoteAddress, flow.remotePort].filter((each) => each !== undefined).length;
  if (remote === 1 || (remote === 2 && flow.localAddress === undefined)) {
    const message = 'a connected flow needs localAddress, remoteAddress and remotePort; a listener has neither of the remote fields';
    findings.push({ path, message });
  }
  return findings;
}
