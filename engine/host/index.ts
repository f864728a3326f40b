/** The engine as a service: sessions in threads, served to windows over a MessagePort or a WebSocket. */
export { createEngine, Engine, MAX_SESSIONS, type EngineOptions, type ShellHooks } from './engine.ts';
export { startWebServer, type ServeOptions, type WebServer } from './web-server.ts';
export { Inputs, MAX_RECENT, fileError } from './inputs.ts';
export { captureInfoOf, failedInfo, timestampWords, type InputTotals } from './capture-summary.ts';
export { findChromium, printPdf, PDF_FIX } from './pdf.ts';
export { compileScenarios, listScenarios, scenarioText } from './scenarios.ts';
export {
  cliFile,
  configFolder,
  distFolder,
  fieldNamesFile,
  laneWorkerFile,
  programVersion,
  rendererFolder,
  rootFolder,
  samplesFolder,
} from './paths.ts';
export { OfflineReplay, type ReplayRequest } from './offline.ts';
export { summarizeRun, type SummaryRequest } from './summarize.ts';
export { DEFAULT_SCENARIO, compiledScenario, type CompiledScenario } from './compiled-scenario.ts';
export { PacketListing } from './listing.ts';
export { reportName, writeReport } from './session/report.ts';
export { analyseBurstsOfFile, type BurstRequest } from './burst-analysis.ts';
export { bundledConverters, bundledMulticast, bundledScenarios, bundledTranslators, type BundledTitle } from './bundled.ts';
export { conversationsOfFile } from './conversations.ts';
export { runConvertersInSlices } from './session/converters.ts';
export { offloadFile, type OffloadFileRequest, type OffloadFileResult } from './offload-file.ts';
export { statisticsOfFile, type StatisticsRequest } from './statistics.ts';
