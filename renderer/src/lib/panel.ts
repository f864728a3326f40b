import type { Component } from 'svelte';

/** What every panel and every panel header gets. */
export interface PanelProps {
  /** The dock shows this panel now (it is the front tab of its stack). Draw and ask the engine for frames only while true. */
  readonly visible: boolean;
}

/** Where a panel opens when the layout has no memory of it. */
export type PanelHome = 'top' | 'top-right' | 'bottom' | 'bottom-right' | 'right';

/**
 * One view of the workbench. The rail, the dock, the palette and the narrow layouts are all drawn from the registry: a new view is
 * one more entry, and nothing else in the shell changes.
 */
export interface PanelDefinition {
  /** Stable: it is stored in the remembered layout. Lower-case, hyphens. */
  readonly id: string;
  /** Title in the panel's head and on its tab. */
  readonly title: string;
  /** Word in the rail, and its place from the top. Null: not in the rail (the inspector). */
  readonly rail: { readonly word: string; readonly order: number } | null;
  /** A lucide icon component. */
  readonly icon: Component<{ size?: number | string; strokeWidth?: number | string }>;
  readonly body: Component<PanelProps>;
  /** Rest of the head, beside the title: chips, captions, a filter field. Drawn only while the panel is the front tab. */
  readonly head?: Component<PanelProps>;
  readonly home: PanelHome;
  /** Opens by default, or only when asked for. */
  readonly open: boolean;
  /** Hotkey of "show this view", as in lib/commands.ts, such as `Ctrl+1`. */
  readonly hotkey?: string;
  /** Smallest useful size of the body, CSS px; the dock keeps to it while there is room for all. */
  readonly minWidth?: number;
  readonly minHeight?: number;
}
