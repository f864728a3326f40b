export { canonicalScenario, checkScenario, parseScenario, scenarioIssues, scenarioJsonSchema, scenarioSha256 } from './scenario.ts';
export { parseParameterValue, setParameter, type ParameterValue } from './edit.ts';
export { MAX_YAML_ALIASES, MAX_YAML_CHARS, MAX_YAML_DEPTH, parseYaml, type Finding, type Path } from './yaml-text.ts';
export { refusedBriefly, refusedYaml } from './refused.ts';
export { prefixProblem, prefixVersion } from './prefix.ts';
export { describeIssue } from './issues.ts';
export { nearest } from './nearest.ts';
export { regulatedScenario, type RegulatedScenario } from './regulated.ts';
export { conditionsFile, type ConditionsFile } from './conditions-file.ts';
