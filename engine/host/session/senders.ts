import { EngineError, SENDERS_BINS, sendersSchema, type CallAnswer, type CallContext, type CallRequest } from '../../contract/index.ts';
import { closedLoopOptions, regulatedScenario, runClosedLoopInSteps } from '../../lab/index.ts';
import type { SessionCore } from './core.ts';
import { badScenario } from './scenario.ts';

/** Work between two looks at the thread's messages. */
const SLICE_MS = 6;

/** TCP senders into the session's scenario with parameters changed, its meter on and off; the session stays as it is. */
export async function sendersWhatIf(
  core: SessionCore,
  request: CallRequest<'burst.senders'>,
  context: CallContext,
): Promise<CallAnswer<'burst.senders'>> {
  const { id, yaml } = core.info().scenario;
  const regulated = regulatedScenario(yaml, request.overrides);
  if (!regulated.ok) throw badScenario(id, regulated.error);
  const { scenario, adopted } = regulated.value;
  const senders = sendersSchema.parse(request.senders);
  let since = performance.now();
  const step =
    (before: number) =>
    async (done: number): Promise<void> => {
      if (performance.now() - since < SLICE_MS) return;
      context.progress({ done: before + done, total: 2 * SENDERS_BINS, unit: 'steps', message: '' });
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (context.signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
      since = performance.now();
    };
  const on = await runClosedLoopInSteps(closedLoopOptions(scenario, senders, true), step(0));
  const off = await runClosedLoopInSteps(closedLoopOptions(scenario, senders, false), step(SENDERS_BINS));
  return { on, off, adopted };
}
