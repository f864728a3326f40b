import { getContext, setContext } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import { matches, parseHotkey, reachable } from './hotkey.ts';

/**
 * Every user action is a command. Buttons, menus, the palette, hotkeys and the help all come from this list, so that nothing can be
 * done in one way only, and each says its twin on the command line where there is one.
 */
export interface Command {
  /** `transport.toggle` */
  readonly id: string;
  readonly title: string;
  /** Heading in the palette and in the help. */
  readonly group: CommandGroup;
  /** The first is shown; the others work as well. */
  readonly hotkeys?: readonly string[];
  /** The same on the command line, such as `ringside info FILE`. */
  readonly cli?: string;
  /** False: not offered now. */
  readonly when?: () => boolean;
  readonly run: () => void | Promise<void>;
  /** Works even while a terminal has the keyboard. Only for leaving it and for the palette. */
  readonly global?: boolean;
}

export const COMMAND_GROUPS = ['File', 'Capture', 'Transport', 'Packets', 'Scenario', 'Report', 'View', 'Help'] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

export class Commands {
  readonly #commands = new SvelteMap<string, Command>();

  /** Adds commands; the answer takes them out again. A later command with the same id replaces the earlier one. */
  add(...commands: readonly Command[]): () => void {
    for (const command of commands) this.#commands.set(command.id, command);
    return () => {
      for (const command of commands) {
        if (this.#commands.get(command.id) === command) this.#commands.delete(command.id);
      }
    };
  }

  get(id: string): Command | undefined {
    return this.#commands.get(id);
  }

  all(): Command[] {
    return [...this.#commands.values()];
  }

  available(): Command[] {
    return this.all().filter((command) => command.when?.() ?? true);
  }

  /** Commands that have nothing to work on now. */
  unavailable(): Command[] {
    return this.all().filter((command) => command.when?.() === false);
  }

  /** Runs a command if it is offered now; the answer says whether it was. */
  run(id: string): boolean {
    const command = this.#commands.get(id);
    if (command === undefined || !(command.when?.() ?? true)) return false;
    void command.run();
    return true;
  }

  /** Title and first hotkey, for tooltips. */
  hint(id: string): string {
    const command = this.#commands.get(id);
    if (command === undefined) return '';
    const hotkey = reachable(command.hotkeys)[0];
    return hotkey === undefined ? command.title : `${command.title} (${hotkey})`;
  }

  /** Finds and runs the command of a key press. True: it was ours, and the browser shall do nothing with it. */
  handleKey(event: KeyboardEvent): boolean {
    if (event.defaultPrevented || event.isComposing) return false;
    const place = keyPlace(event);
    for (const command of this.available()) {
      const hotkey = command.hotkeys?.map(parseHotkey).find((one) => matches(one, event));
      if (hotkey === undefined || !allowed(place, command, hotkey.ctrl || hotkey.alt || /^F\d+$/.test(hotkey.key))) continue;
      event.preventDefault();
      void command.run();
      return true;
    }
    return false;
  }
}

type KeyPlace = 'terminal' | 'text' | 'control' | 'page';

/** Who has the keyboard: a shell takes all keys, a text field takes signs, a button takes Space and arrows. */
function keyPlace(event: KeyboardEvent): KeyPlace {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return 'page';
  if (target.closest('[data-keys="terminal"]') !== null) return 'terminal';
  if (target.isContentEditable || target.matches('input, textarea, select')) return 'text';
  if (target.closest('dialog, [popover]') !== null) return 'text';
  const takesKeys = 'button, a[href], summary, [role="slider"], [role="separator"], [role="tab"], [role="grid"], [role="tree"], [role="listbox"], [role="menuitem"]'; // prettier-ignore
  return target.closest(takesKeys) !== null ? 'control' : 'page';
}

function allowed(place: KeyPlace, command: Command, hasModifier: boolean): boolean {
  if (command.global === true) return true;
  if (place === 'terminal') return false;
  if (hasModifier) return true;
  if (place === 'text') return false;
  const firstKey = command.hotkeys?.[0] ?? '';
  return place === 'page' || !/^(Space|Arrow|Home|End|Page|Enter)/.test(firstKey);
}

/** Score of a command for typed words, 0 for no match: words must all occur in title, group or id; earlier and at word starts is better. */
export function scoreCommand(command: Command, typed: string): number {
  const text = `${command.group} ${command.title} ${command.id}`.toLowerCase();
  const title = command.title.toLowerCase();
  let score = 1;
  for (const word of typed.toLowerCase().split(/\s+/).filter(Boolean)) {
    const at = text.indexOf(word);
    if (at < 0) return 0;
    if (command.group.toLowerCase().startsWith(word)) score += 3;
    if (title.startsWith(word)) score += 8;
    else if (title.includes(` ${word}`)) score += 4;
    else if (title.includes(word)) score += 2;
  }
  return score;
}

const COMMANDS = Symbol('ringside commands');

export function provideCommands(commands: Commands): Commands {
  return setContext(COMMANDS, commands);
}

export function useCommands(): Commands {
  return getContext<Commands>(COMMANDS);
}
