import { EngineError, type InputRef } from '../../../../engine/contract/index.ts';
import type { AppStore } from '../../lib/engine.svelte.ts';
import { chooseFile, handOver } from '../../lib/inputs.ts';
import { burstState } from './burst-state.svelte.ts';

/** Whether a file that was dropped is meant for the channel of the meter. */
export const isConditionsFile = (name: string): boolean => /\.csv$/i.test(name);

async function take(app: AppStore, { handle, name }: InputRef): Promise<void> {
  const session = app.sessionId;
  const answer = await app.ask(`Reading ${name}`, 'burst.conditions', { handle });
  if (answer === null || app.sessionId !== session) return;
  burstState(app).tryConditions(answer);
}

/** Asks for a CSV file of channel conditions and tries it in the meter; a file that cannot be read leaves everything as it was. */
export async function chooseConditions(app: AppStore): Promise<void> {
  await chooseFile(app, 'conditions', (input) => take(app, input));
}

/** The same for a file that was dropped. True if it is on its way to the meter. */
export async function dropConditions(app: AppStore, file: File): Promise<boolean> {
  if (app.sessionId === null) {
    const fix = 'Open a capture first; then drop the file again.';
    app.notices.error(`Reading ${file.name}`, new EngineError({ code: 'bad-input', message: 'Channel conditions need a capture.', fix }));
    return false;
  }
  await handOver(app, file, (input) => take(app, input));
  return true;
}
