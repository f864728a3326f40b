export {
  BURST_PATTERNS,
  MAX_FLOWS,
  MAX_FRAME_BYTES,
  generatorJsonSchema,
  generatorSchema,
  parseGenerator,
  streamSchema,
  type GeneratorSpec,
  type StreamSpec,
} from './spec.ts';
export { GeneratorSource } from './source.ts';
export { generateTo, type GenerateOptions } from './generate-to.ts';
