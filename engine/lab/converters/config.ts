import { z } from 'zod';
import { convertersSchema, type ConverterGroup, type ConvertersSpec, type ScenarioIssue } from '../../contract/index.ts';
import { ok, type Result } from '../../base/index.ts';
import { MAX_TERMINALS } from '../../translator/index.ts';
import { nearest, parseYaml, type Finding, type Path } from '../scenario/index.ts';

/** Names that the nodes of the network have already. */
const RESERVED = /^(gateway|switch(-\d+)?)$/;

function idsOf({ id, count }: ConverterGroup): string[] {
  return count === 1 ? [id] : Array.from({ length: count }, (_, i) => `${id}-${String(i + 1)}`);
}

/** What the schema cannot say: names that are taken or that nobody has, and roles that do not fit. */
export function checkConverters(spec: ConvertersSpec): Finding[] {
  const findings: Finding[] = [];
  const groups = new Map<string, ConverterGroup>();
  let terminals = 0;
  for (const [i, group] of spec.terminals.entries()) {
    const path: Path = ['terminals', i];
    terminals += group.count;
    for (const id of idsOf(group)) {
      if (groups.has(id) || RESERVED.test(id)) {
        findings.push({ path: [...path, 'id'], message: `the name ${id} is taken already; give the group another one` });
        break;
      }
      groups.set(id, group);
    }
    if (group.converter !== undefined && group.family !== 'dual') {
      const message = `a terminal that has only IP${group.family} cannot convert; make its family dual, or leave the converter out`;
      findings.push({ path: [...path, 'converter'], message });
    }
  }
  if (terminals > MAX_TERMINALS) {
    findings.push({ path: ['terminals'], message: `${String(terminals)} terminals; at most ${String(MAX_TERMINALS)} have an address` });
  }
  const apart = spec.gateway === null ? [] : ['gateway'];
  const known = (id: string, path: Path): ConverterGroup | undefined => {
    const group = groups.get(id);
    if (group === undefined) {
      const near = nearest(id, [...groups.keys()].slice(0, 1_000));
      findings.push({ path, message: `there is no terminal ${id}${near === undefined ? '' : `; did you mean ${near}?`}` });
    }
    return group;
  };
  for (const [i, call] of spec.calls.entries()) {
    known(call.from, ['calls', i, 'from']);
    known(call.to, ['calls', i, 'to']);
    if (call.from === call.to) findings.push({ path: ['calls', i, 'to'], message: 'nobody calls themselves' });
    if (call.atS > spec.durationS) findings.push({ path: ['calls', i, 'atS'], message: 'the scenario is over by then (durationS)' });
  }
  for (const [i, event] of spec.events.entries()) {
    const path: Path = ['events', i];
    if (apart.includes(event.terminal)) {
      if (event.kind !== 'kill' && event.kind !== 'join')
        findings.push({ path: [...path, 'kind'], message: 'the gateway can only be killed, and join again' });
      continue;
    }
    const group = known(event.terminal, [...path, 'terminal']);
    const ofConverter = event.kind === 'enable' || event.kind === 'disable' || event.kind === 'leave';
    if (ofConverter && group !== undefined && group.converter === undefined) {
      findings.push({ path: [...path, 'kind'], message: `${event.terminal} is no converter; ${event.kind} says nothing to it` });
    }
    if (event.kind.endsWith('family') && event.family === undefined) {
      findings.push({ path: [...path, 'family'], message: 'say which family: v4 or v6' });
    }
  }
  return findings;
}

/** A converters scenario in YAML or JSON, or every finding with line, column and field. */
export function parseConverters(text: string): Result<ConvertersSpec, ScenarioIssue[]> {
  const parsed = parseYaml(text, convertersSchema, checkConverters);
  return parsed.ok ? ok(parsed.value.value) : parsed;
}

/** The schema as JSON Schema (draft 2020-12) for editors. */
export function convertersJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(convertersSchema, { io: 'input' }), title: 'Ringside converters scenario' };
}
