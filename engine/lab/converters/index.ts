export { checkConverters, convertersJsonSchema, parseConverters } from './config.ts';
export { ConversationCollector, MAX_CONVERSATION_BYTES, MAX_CONVERSATION_PACKETS } from './conversations.ts';
