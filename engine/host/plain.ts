/** The part of the host that a plain run of a file needs, and nothing that loads schemas, YAML or the server. */
export { DEFAULT_SCENARIO, compiledScenario, type CompiledScenario } from './compiled-scenario.ts';
export { summarizeRun, type SummaryRequest } from './summarize.ts';
