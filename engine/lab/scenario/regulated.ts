import { isMap, isSeq } from 'yaml';
import type { Scenario, ScenarioIssue } from '../../contract/index.ts';
import { ok, type Result } from '../../base/index.ts';
import { setParameter, type ParameterValue } from './edit.ts';
import { parseScenario } from './scenario.ts';
import { readYaml } from './yaml-text.ts';

/** A scenario text whose host port feeds sockets through a meter. */
export interface RegulatedScenario {
  readonly yaml: string;
  /** Id of the host port. */
  readonly port: string;
  /** What the text says. */
  readonly scenario: Scenario;
  /** Sockets or meter were not in the text: they have defaults. */
  readonly adopted: boolean;
}

const CONDITIONS = ['device', 'network', 'conditions'];

/** Puts sockets and a meter on the host port of a scenario text where they are missing, parameters to other values, and the meter on. */
export function regulatedScenario(
  text: string,
  overrides: readonly { readonly path: string; readonly value: ParameterValue }[],
): Result<RegulatedScenario, ScenarioIssue[]> {
  const given = parseScenario(text);
  if (!given.ok) return given;
  const host = given.value.ports.find((port) => port.kind === 'host')!;
  const adopted = host.meter === undefined || host.sockets === undefined;
  let yaml = adopted ? adopt(text, host.id) : text;
  const enable = { path: `ports.${host.id}.meter.enable`, value: true };
  for (const { path, value } of [...overrides, enable]) {
    const edited = setParameter(yaml, path, value, unchecked);
    if (!edited.ok) return edited;
    yaml = edited.value;
  }
  yaml = oneTrace(yaml, overrides);
  const scenario = parseScenario(yaml);
  return scenario.ok ? ok({ yaml, port: host.id, scenario: scenario.value, adopted }) : scenario;
}

/** The text is checked once, with every parameter in it. */
const unchecked = (): Result<undefined, ScenarioIssue[]> => ok(undefined);

/** Channel conditions tried in place of those of the text: rows and CSV that were there have no place beside them. */
function oneTrace(text: string, overrides: readonly { readonly path: string; readonly value: ParameterValue }[]): string {
  const last = (key: string): ParameterValue | undefined =>
    overrides.findLast(({ path }) => path === `${CONDITIONS.join('.')}.${key}`)?.value;
  const [trace, csv] = [last('trace'), last('csv')];
  const gone = trace !== undefined && trace !== 'rows' ? ['rows', 'csv'] : csv !== undefined ? ['rows'] : [];
  const read = gone.length > 0 ? readYaml(text) : undefined;
  if (read?.ok !== true) return text;
  const { document } = read.value;
  const there = gone.filter((key) => document.hasIn([...CONDITIONS, key]));
  if (there.length === 0) return text;
  for (const key of there) document.deleteIn([...CONDITIONS, key]);
  return document.toString({ lineWidth: 0 });
}

function adopt(text: string, hostId: string): string {
  const read = readYaml(text);
  if (!read.ok) return text;
  const { document } = read.value;
  const ports: unknown = document.get('ports');
  const place = isSeq(ports) ? ports.items.findIndex((item) => isMap(item) && item.get('id') === hostId) : -1;
  if (place >= 0) {
    for (const block of ['meter', 'sockets']) if (!document.hasIn(['ports', place, block])) document.setIn(['ports', place, block], {});
  } else if (isSeq(ports)) {
    ports.add(document.createNode({ id: hostId, kind: 'host', meter: {}, sockets: {} }));
  } else {
    document.set('ports', document.createNode([{ id: hostId, kind: 'host', meter: {}, sockets: {} }]));
  }
  return document.toString({ lineWidth: 0 });
}
