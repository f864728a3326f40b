export * from './config.ts';
export * from './merged-input.ts';
export * from './side-output.ts';
export * from './run-captures.ts';
export { hasTranslator, TranslatingWorld, type TranslationStep } from './world.ts';
