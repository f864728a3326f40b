/**
 * An experiment: one question about a mechanism, answered by runs with and without it (W-05) on the same input and seed. Its document
 * is written from its result, so no figure in docs/experiments is typed by hand.
 */
export interface Experiment {
  /** Name on the command line and of the document, such as `interrupt-moderation`. */
  readonly id: string;
  readonly title: string;
  /** What the reader wants to know, as a question. */
  readonly question: string;
  /** Where it is asked for, such as `stack 1.7, experiment 3`; empty where nobody asked. */
  readonly source: string;
  /** A few sentences: what runs, on what traffic, what is varied. */
  readonly method: string;
  /** True if a table holds measured times, which differ from machine to machine. All else is a function of size and seed. */
  readonly measured: boolean;
  run(context: ExperimentContext): Promise<ExperimentResult>;
}

export const EXPERIMENT_SIZES = ['small', 'full'] as const;
/** `small` takes a second or two and is what the tests run; `full` is what the documents hold. */
export type ExperimentSize = (typeof EXPERIMENT_SIZES)[number];

export interface ExperimentContext {
  readonly size: ExperimentSize;
  readonly seed: number;
  /**
   * To be awaited between runs: reports progress and gives way to the rest of the program.
   * Throws EngineError `cancelled` when the user wants to stop.
   */
  readonly step: (done: number, total: number, message: string) => Promise<void>;
}

export type Cell = string | number;

export interface ExperimentColumn {
  readonly name: string;
  /** Unit of the figures, such as `ms` or `packets`; left out for text and plain numbers. */
  readonly unit?: string;
}

export interface ExperimentTable {
  readonly title: string;
  readonly columns: readonly ExperimentColumn[];
  /** As long as `columns`. Numbers are rounded when they are shown, not before. */
  readonly rows: readonly (readonly Cell[])[];
}

export interface ExperimentResult {
  readonly tables: readonly ExperimentTable[];
  /** What the tables say, in sentences made from the figures of this very run. */
  readonly findings: readonly string[];
}
