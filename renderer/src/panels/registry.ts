import type { PanelDefinition } from '../lib/panel.ts';

/**
 * Every view of the workbench, in no order (the rail sorts by `rail.order`). To add a view, add an entry.
 * F6 moves the focus to the element marked `data-pane-focus` inside a panel, or else to the panel itself.
 */
export const panels: readonly PanelDefinition[] = [];
