import type { AppStore } from '../../lib/engine.svelte.ts';
import { sharedState } from '../../lib/shared-state.svelte.ts';
import type { Progress } from '../../../../engine/contract/index.ts';

/** What the head and the body of the packet list share: following the playhead, and the search in the rows. */
export class PacketListState {
  readonly #app: AppStore;
  /** The list keeps the playhead in sight while it moves. Off as soon as the user scrolls. */
  follow = $state(true);
  text = $state('');
  /** Why nothing was found, or which packet was. */
  outcome = $state<{ readonly found: boolean; readonly message: string } | null>(null);
  searching = $state(false);
  progress = $state.raw<Progress | null>(null);
  #controller: AbortController | null = null;
  /** Where a search that met the end of the input goes on from. */
  #wrapped = false;
  /** Puts the keyboard into the search field, with a first sign or with its text selected; set by the head. */
  openSearch: (first: string | null) => void = () => undefined;
  /** Gives the keyboard back to the list; set by the body. */
  focusList: () => void = () => undefined;

  constructor(app: AppStore) {
    this.#app = app;
  }

  setText(text: string): void {
    this.cancel();
    this.text = text;
    this.outcome = null;
    this.#wrapped = false;
  }

  /** Selects the next packet whose row holds the text, from the selected one on; asked again at the end, goes on at the other end. */
  async find(direction: 1 | -1): Promise<void> {
    const session = this.#app.sessionId;
    const text = this.text.trim();
    if (session === null || text === '') return;
    this.cancel();
    const controller = new AbortController();
    this.#controller = controller;
    const from = this.#wrapped ? (direction === 1 ? 0 : this.#app.totalPackets + 1) : this.#app.selected;
    this.#wrapped = false;
    this.searching = true;
    this.outcome = null;
    try {
      const { number } = await this.#app.call(
        'packets.find',
        { session, text, from, direction },
        {
          signal: controller.signal,
          onProgress: (progress) => {
            if (this.#controller === controller) this.progress = progress;
          },
        },
      );
      if (this.#controller !== controller) return;
      this.#report(number, from, direction);
    } catch (error) {
      if (this.#controller !== controller) return;
      this.outcome = { found: false, message: error instanceof Error ? error.message : String(error) };
    }
    this.#settle();
  }

  cancel(): void {
    this.#controller?.abort();
    this.#settle();
  }

  #settle(): void {
    this.#controller = null;
    this.searching = false;
    this.progress = null;
  }

  #report(number: number, from: number, direction: 1 | -1): void {
    if (number > 0) {
      this.outcome = { found: true, message: '' };
      this.follow = false;
      this.#app.select(number);
      return;
    }
    const whole = direction === 1 ? from === 0 : from > this.#app.totalPackets;
    this.#wrapped = !whole;
    const message = whole ? 'not found' : direction === 1 ? 'no more below' : 'no more above';
    this.outcome = { found: false, message };
  }
}

export const packetListState = sharedState((app) => new PacketListState(app));
