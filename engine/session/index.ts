/** Reports: the model of a finished run, and the forms it is shown in. */
export { MAX_REPORT_FLOWS, buildReport, renderJson, type ReportInputs } from './build-report.ts';
export { renderHtml } from './render-html.ts';
export { blockBar, summaryText, terminalSafe, type SummaryTextOptions } from './summary-text.ts';
export { findingsOf } from './findings.ts';
export { bytesText, count, durationText, instantText, memoryText, percent, plural, rateText, shellWord } from './text.ts';
export { reportModules, type ModuleStates } from './modules/index.ts';
export { MAX_REPORT_CONVERSATIONS, type TranslatorsState } from './modules/translators.ts';
