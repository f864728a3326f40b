/** Colours that say more than a figure does; the text beside it says the same in words or by a mark. */
export type Tone = 'good' | 'held' | 'drop' | 'translated';

/** One headline figure. */
export interface Stat {
  readonly label: string;
  readonly value: string;
  /** The figure without the mechanism that is tried, in front of the figure with it. */
  readonly before?: string;
  readonly unit?: string;
  readonly tone?: Tone | undefined;
  /** What the figure is made of, in one line. */
  readonly note?: string;
  readonly noteTone?: Tone | undefined;
  readonly title?: string;
}
