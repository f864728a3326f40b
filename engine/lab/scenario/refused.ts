import { EngineError, type ScenarioIssue } from '../../contract/index.ts';

function refused(file: string, issues: readonly ScenarioIssue[], message: string, fix: string): EngineError {
  const { line, field } = issues[0] ?? { line: 1, field: '' };
  return new EngineError({ code: 'bad-input', message, where: { file, line, field }, fix });
}

/** The error for a YAML text that says what cannot be: every finding with its line. `fix`: the command that shows its schema. */
export function refusedYaml(file: string, issues: readonly ScenarioIssue[], fix: string): EngineError {
  const lines = issues.map(({ line, field, message }) => `line ${line}${field === '' ? '' : `, ${field}`}: ${message}`);
  return refused(file, issues, lines.join('\n  '), fix);
}

/** The same in one line, for a window: the first finding, and how many more there are. */
export function refusedBriefly(file: string, issues: readonly ScenarioIssue[], fix: string): EngineError {
  const { field, message } = issues[0] ?? { field: '', message: 'cannot be read' };
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return refused(file, issues, `${field === '' ? '' : `${field}: `}${message}${more}`, fix);
}
