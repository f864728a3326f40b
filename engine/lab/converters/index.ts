export { checkConverters, convertersJsonSchema, parseConverters } from './config.ts';
