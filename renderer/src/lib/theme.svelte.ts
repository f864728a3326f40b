import { recall, remember } from './memory.ts';

export const THEME_CHOICES = ['system', 'dark', 'light'] as const;
export type ThemeChoice = (typeof THEME_CHOICES)[number];

const VERSION = 1;
const isChoice = (value: unknown): value is ThemeChoice => THEME_CHOICES.some((choice) => choice === value);

/** Dark, light, or what the system says. Sets `data-theme` on the root, from which every token follows. */
export class Theme {
  choice = $state<ThemeChoice>('system');
  #systemDark = $state(true);
  /** What is shown. Canvases read it so that they draw again when it changes. */
  readonly resolved: 'dark' | 'light' = $derived(this.choice === 'system' ? (this.#systemDark ? 'dark' : 'light') : this.choice);

  /** Follows the system and applies the remembered choice; call once, before the window is drawn. */
  start(): void {
    const query = matchMedia('(prefers-color-scheme: dark)');
    this.#systemDark = query.matches;
    query.addEventListener('change', (event) => {
      this.#systemDark = event.matches;
      this.#apply();
    });
    this.choice = recall('theme', VERSION, isChoice) ?? 'system';
    this.#apply();
  }

  set(choice: ThemeChoice): void {
    this.choice = choice;
    remember('theme', VERSION, choice);
    this.#apply();
  }

  next(): void {
    const at = THEME_CHOICES.indexOf(this.choice);
    this.set(THEME_CHOICES[(at + 1) % THEME_CHOICES.length] ?? 'system');
  }

  #apply(): void {
    document.documentElement.dataset['theme'] = this.resolved;
  }
}

export const theme = new Theme();
