/** The engine as a service: sessions in threads, served to windows over a MessagePort or a WebSocket. */
export { createEngine, Engine, type ShellHooks } from './engine.ts';
export { startWebServer, type WebServer } from './web-server.ts';
export { Inputs, fileError } from './inputs.ts';
export { captureInfoOf, failedInfo, type InputTotals } from './capture-summary.ts';
export { findChromium, printPdf, PDF_FIX } from './pdf.ts';
export { compileScenarios, listScenarios, scenarioText } from './scenarios.ts';
export { cliFile, fieldNamesFile, laneWorkerFile, programVersion } from './paths.ts';
export { OfflineReplay, type ReplayRequest } from './offline.ts';
export { summarizeRun, type SummaryRequest } from './summarize.ts';
export { DEFAULT_SCENARIO, compiledScenario, type CompiledScenario } from './compiled-scenario.ts';
export { PacketListing } from './listing.ts';
export { writeReport } from './session/report.ts';
export { analyseBurstsOfFile } from './burst-analysis.ts';
export { bundledConverters, bundledMulticast, bundledScenarios, bundledTranslators, type BundledTitle } from './bundled.ts';
export { conversationsOfFile } from './conversations.ts';
export { runConvertersInSlices } from './session/converters.ts';
export { offloadFile } from './offload-file.ts';
export { statisticsOfFile } from './statistics.ts';
