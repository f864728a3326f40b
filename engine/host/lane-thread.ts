import { Worker } from 'node:worker_threads';

/** Room for new objects in a lane's thread, MB: it makes hardly any. */
const YOUNG_MB = 2;

/**
 * A thread for a lane of a run. It can be started before it is known what the run is: a thread takes as long to start as some hundred thousand
 * packets take to run. Imports nothing else, so that a program can start it before it loads its own code.
 */
export class LaneThread<Start, Answer> {
  private readonly worker: Worker;
  private readonly answer: Promise<Answer | undefined>;

  constructor(workerFile: string) {
    this.worker = new Worker(workerFile, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    this.answer = new Promise((resolve, reject) => {
      this.worker.once('message', resolve);
      this.worker.once('error', reject);
      this.worker.once('exit', () => {
        resolve(undefined);
      });
    });
    // Whoever runs the thread is told; a thread that nobody runs may fail unheard.
    this.answer.catch(() => undefined);
  }

  /** Gives the thread its lane. Resolves with its answer, or undefined if it ended without one; rejects with the error that ended it. */
  run(start: Start): Promise<Answer | undefined> {
    this.worker.postMessage(start);
    return this.answer;
  }

  /** Ends the thread, which has been given nothing or whose answer is not wanted. */
  stop(): void {
    void this.worker.terminate();
  }
}
