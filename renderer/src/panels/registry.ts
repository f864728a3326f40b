import FileText from '@lucide/svelte/icons/file-text';
import type { PanelDefinition } from '../lib/panel.ts';
import ReportPanel from '../report/ReportPanel.svelte';

/**
 * Every view of the workbench, in no order (the rail sorts by `rail.order`). To add a view, add an entry.
 * F6 moves the focus to the element marked `data-pane-focus` inside a panel, or else to the panel itself.
 */
export const panels: readonly PanelDefinition[] = [
  {
    id: 'report',
    title: 'Report',
    rail: { word: 'Report', order: 90 },
    icon: FileText,
    body: ReportPanel,
    home: 'top-right',
    open: false,
  },
];
