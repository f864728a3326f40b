import { z } from 'zod';
import {
  multicastPortSchema,
  scenarioSchema,
  translatorSchema,
  type PortSpec,
  type Scenario,
  type ScenarioIssue,
  type Selector,
} from '../../contract/index.ts';
import { ok, sha256Hex, type Result } from '../../base/index.ts';
import { withHostPort } from '../host-port.ts';
import { checkTranslators } from './check-translators.ts';
import { checkMulticastPorts } from './check-multicast.ts';
import { checkMetering, checkNetwork } from './check-metering.ts';
import { checkStack } from './check-stack.ts';
import { parseYaml, type Finding, type Path } from './yaml-text.ts';
import { prefixProblem, prefixVersion } from './prefix.ts';

/** Names that mean something else in ids such as `device.rx.0`. */
const RESERVED_PORT_IDS: readonly string[] = ['device', 'fsw', 'wire'];

const PORTED_PROTOCOLS: readonly (string | number)[] = ['tcp', 'udp', 'sctp', 6, 17, 33, 132, 136];

function checkSelector(selector: Selector, path: Path): Finding[] {
  const findings: Finding[] = [];
  for (const field of ['prefix', 'source', 'destination'] as const) {
    const text = selector[field];
    if (text === undefined) continue;
    const problem = prefixProblem(text);
    if (problem !== undefined) findings.push({ path: [...path, field], message: problem });
    else if (selector.ipVersion !== undefined && prefixVersion(text) !== selector.ipVersion) {
      const message = `an IPv${String(prefixVersion(text))} prefix never matches where ipVersion is ${String(selector.ipVersion)}`;
      findings.push({ path: [...path, field], message });
    }
  }
  if (selector.ipVersion === 4 && (selector.protocol === 'icmpv6' || selector.protocol === 58)) {
    findings.push({ path: [...path, 'protocol'], message: 'icmpv6 is not carried by IPv4; write icmp, or ipVersion: 6' });
  }
  if (selector.ipVersion === 6 && (selector.protocol === 'icmp' || selector.protocol === 'igmp')) {
    findings.push({ path: [...path, 'protocol'], message: `${selector.protocol} is not carried by IPv6; write icmpv6, or ipVersion: 4` });
  }
  for (const field of ['port', 'sourcePort', 'destinationPort'] as const) {
    if (selector[field] === undefined || selector.protocol === undefined || PORTED_PROTOCOLS.includes(selector.protocol)) continue;
    findings.push({ path: [...path, field], message: `${String(selector.protocol)} has no ports, so this never matches` });
  }
  return findings;
}

function checkPort(port: PortSpec, index: number, ports: readonly PortSpec[]): Finding[] {
  const path: Path = ['ports', index];
  const findings = port.select.flatMap((selector, i) => checkSelector(selector, [...path, 'select', i]));
  if (RESERVED_PORT_IDS.includes(port.id)) {
    findings.push({ path: [...path, 'id'], message: `${port.id} is the name of a part of the switch; give the port another name` });
  }
  const first = ports.findIndex((other) => other.id === port.id);
  if (first < index) {
    findings.push({ path: [...path, 'id'], message: `the name ${port.id} is already taken by port ${String(first + 1)} of the list` });
  }
  if (port.kind !== 'host' && port.select.length === 0) {
    const message = `${port.kind} port ${port.id} selects nothing; add a select, such as select: [{ protocol: tcp, port: 443 }], or [{}] for everything`;
    findings.push({ path, message });
  }
  findings.push(...checkMetering(port, path));
  if (port.kind === 'host' && ports.findIndex((other) => other.kind === 'host') < index) {
    findings.push({ path: [...path, 'kind'], message: 'there is one host port already; a scenario has one' });
  }
  return findings;
}

/** What the schema cannot say: names used twice, selectors that never match, prefixes that are none. */
export function checkScenario(scenario: Scenario): Finding[] {
  const findings = scenario.ports.flatMap((port, index) => checkPort(port, index, scenario.ports));
  findings.push(
    ...checkNetwork(scenario.device.network),
    ...checkTranslators(scenario),
    ...checkMulticastPorts(scenario),
    ...checkStack(scenario),
  );
  for (const [i, prefix] of scenario.device.local.entries()) {
    const problem = prefixProblem(prefix);
    if (problem !== undefined) findings.push({ path: ['device', 'local', i], message: problem });
  }
  if (scenario.ports.some((port) => port.id === 'host' && port.kind !== 'host')) {
    const index = scenario.ports.findIndex((port) => port.id === 'host');
    findings.push({ path: ['ports', index, 'id'], message: 'a port named host must be of kind host' });
  }
  return findings;
}

/** Translator and multicast ports of which nothing is said get the defaults. */
function withTranslators(scenario: Scenario): Scenario {
  const bare = scenario.ports.some(
    ({ kind, translator, multicast }) =>
      (kind === 'translator' && translator === undefined) || (kind === 'multicast' && multicast === undefined),
  );
  if (!bare) return scenario;
  const complete = (port: PortSpec): PortSpec => {
    if (port.kind === 'translator') return { ...port, translator: port.translator ?? translatorSchema.parse({}) };
    return port.kind === 'multicast' ? { ...port, multicast: port.multicast ?? multicastPortSchema.parse({}) } : port;
  };
  return { ...scenario, ports: scenario.ports.map(complete) };
}

/**
 * A scenario text, complete with defaults and a host port, or every finding with line, column and field. Never throws on any
 * text. A text of one scenario always gives the same object, whatever its comments and order of keys.
 */
export function parseScenario(yaml: string): Result<Scenario, ScenarioIssue[]> {
  const parsed = parseYaml(yaml, scenarioSchema, checkScenario);
  return parsed.ok ? ok(withHostPort(withTranslators(parsed.value.value))) : parsed;
}

/** Findings about a scenario text; empty where it is good. */
export function scenarioIssues(yaml: string): ScenarioIssue[] {
  const parsed = parseScenario(yaml);
  return parsed.ok ? [] : parsed.error;
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, sortKeys(v)]),
  );
}

/** One text per meaning: JSON with sorted keys, defaults filled in. Two scenarios that differ only in comments are equal. */
export function canonicalScenario(scenario: Scenario): string {
  return JSON.stringify(sortKeys(scenario));
}

/** SHA-256 of the canonical text, in hex: what a run summary and a report name the scenario by. */
export function scenarioSha256(scenario: Scenario): string {
  return sha256Hex(canonicalScenario(scenario));
}

/** The schema as JSON Schema (draft 2020-12) for editors. */
export function scenarioJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(scenarioSchema, { io: 'input' });
  return { ...schema, title: 'Ringside scenario' };
}
