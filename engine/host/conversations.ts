import { EngineError, type CallContext } from '../contract/index.ts';
import { RecordBatch } from '../files/index.ts';
import { ConversationCollector } from '../lab/index.ts';
import type { CapturedConversation } from '../translator/index.ts';
import { SessionInput } from './session/input.ts';

/** Batches between two looks at the thread's messages. */
const SLICE_BATCHES = 16;

type Context = Pick<CallContext, 'signal' | 'progress'>;

export interface Conversations {
  readonly conversations: readonly CapturedConversation[];
  /** Packets that are in none of them, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
}

/** UDP conversations of an input. EngineError `bad-input` where there is none. */
export async function conversationsOfInput(input: SessionInput, context: Context): Promise<Conversations> {
  const batch = new RecordBatch();
  const collector = new ConversationCollector(batch.capacity);
  let batches = 0;
  for (let number = 1; number <= input.packets; number += batch.count) {
    if (input.records.read(number, batch) === 0) break;
    collector.take(batch);
    if (++batches % SLICE_BATCHES !== 0) continue;
    context.progress({ done: number, total: input.packets, unit: 'packets', message: 'conversations' });
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (context.signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
  }
  const conversations = collector.finish();
  if (conversations.length > 0) return { conversations, leftOut: collector.leftOut };
  throw new EngineError({
    code: 'bad-input',
    message: 'No UDP conversation is in this capture.',
    where: { file: input.path },
    fix: 'Calls are made of UDP between two addresses; take a capture that has some.',
  });
}

/** UDP conversations of a capture file. */
export async function conversationsOfFile(path: string, context: Context): Promise<Conversations> {
  const input = await SessionInput.open(path, context);
  try {
    return await conversationsOfInput(input, context);
  } finally {
    input.dispose();
  }
}
