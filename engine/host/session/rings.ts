import { EngineError, type EngineHandlers } from '../../contract/index.ts';
import { ringSlots } from '../../lab/index.ts';
import type { SessionCore } from './core.ts';

/** The slots of a ring, for the Rings panel. */
export function ringHandlers(core: () => SessionCore): Pick<EngineHandlers, 'rings.slots'> {
  return {
    'rings.slots': ({ ring, first, count }) => {
      const { pipeline, tNs } = core().playhead;
      const slots = ringSlots(pipeline, tNs, ring, first, count);
      if (slots !== undefined) return slots;
      throw new EngineError({
        code: 'not-found',
        message: `The scenario has no ring ${ring}.`,
        fix: 'Rings are named like device.rx.0: port, kind and queue.',
      });
    },
  };
}
