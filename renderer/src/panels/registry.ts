import ChartColumn from '@lucide/svelte/icons/chart-column';
import ArrowLeftRight from '@lucide/svelte/icons/arrow-left-right';
import CircleDot from '@lucide/svelte/icons/circle-dot';
import Combine from '@lucide/svelte/icons/combine';
import FileText from '@lucide/svelte/icons/file-text';
import Layers from '@lucide/svelte/icons/layers';
import List from '@lucide/svelte/icons/list';
import Microscope from '@lucide/svelte/icons/microscope';
import Shuffle from '@lucide/svelte/icons/shuffle';
import SquareTerminal from '@lucide/svelte/icons/square-terminal';
import Network from '@lucide/svelte/icons/network';
import PhoneForwarded from '@lucide/svelte/icons/phone-forwarded';
import type { PanelDefinition } from '../lib/panel.ts';
import ReportPanel from '../report/ReportPanel.svelte';
import BurstHead from './burst/BurstHead.svelte';
import BurstPanel from './burst/BurstPanel.svelte';
import ConvertersHead from './converters/ConvertersHead.svelte';
import ConvertersPanel from './converters/ConvertersPanel.svelte';
import FlowsHead from './flows/FlowsHead.svelte';
import FlowsPanel from './flows/FlowsPanel.svelte';
import InspectorHead from './inspector/InspectorHead.svelte';
import InspectorPanel from './inspector/InspectorPanel.svelte';
import OffloadPanel from './offload/OffloadPanel.svelte';
import MulticastHead from './multicast/MulticastHead.svelte';
import MulticastPanel from './multicast/MulticastPanel.svelte';
import PacketsHead from './packets/PacketsHead.svelte';
import PacketsPanel from './packets/PacketsPanel.svelte';
import RingsHead from './rings/RingsHead.svelte';
import RingsPanel from './rings/RingsPanel.svelte';
import StackPanel from './stack/StackPanel.svelte';
import TerminalHead from './terminal/TerminalHead.svelte';
import TerminalPanel from './terminal/TerminalPanel.svelte';
import TranslatedPanel from './translated/TranslatedPanel.svelte';

/**
 * Every view of the workbench, in no order (the rail sorts by `rail.order`). To add a view, add an entry.
 * F6 moves the focus to the element marked `data-pane-focus` inside a panel, or else to the panel itself.
 */
export const panels: readonly PanelDefinition[] = [
  {
    id: 'packets',
    title: 'Packets',
    rail: { word: 'Packets', order: 10 },
    icon: List,
    body: PacketsPanel,
    head: PacketsHead,
    home: 'bottom',
    open: true,
    hotkey: 'Ctrl+1',
    minWidth: 360,
    minHeight: 160,
  },
  {
    id: 'rings',
    title: 'Rings',
    rail: { word: 'Rings', order: 20 },
    icon: CircleDot,
    body: RingsPanel,
    head: RingsHead,
    home: 'top',
    open: true,
    hotkey: 'Ctrl+2',
    minWidth: 360,
    minHeight: 160,
  },
  {
    id: 'bursts',
    title: 'Bursts',
    rail: { word: 'Bursts', order: 30 },
    icon: ChartColumn,
    body: BurstPanel,
    head: BurstHead,
    home: 'top-right',
    open: false,
    hotkey: 'Ctrl+5',
    minWidth: 420,
    minHeight: 200,
  },
  {
    id: 'offloads',
    title: 'Offloads',
    rail: { word: 'Offloads', order: 35 },
    icon: Combine,
    body: OffloadPanel,
    home: 'top-right',
    open: false,
    minWidth: 420,
    minHeight: 200,
  },
  {
    id: 'flows',
    title: 'Flows',
    rail: { word: 'Flows', order: 40 },
    icon: Shuffle,
    body: FlowsPanel,
    head: FlowsHead,
    home: 'top-right',
    open: true,
    hotkey: 'Ctrl+3',
    minWidth: 360,
    minHeight: 160,
  },
  {
    id: 'translated',
    title: 'Translated flows',
    rail: { word: 'Translate', order: 50 },
    icon: ArrowLeftRight,
    body: TranslatedPanel,
    home: 'top',
    open: false,
    minWidth: 360,
    minHeight: 160,
  },
  {
    id: 'stack',
    title: 'Stack',
    rail: { word: 'Stack', order: 70 },
    icon: Layers,
    body: StackPanel,
    home: 'top-right',
    open: false,
    minWidth: 360,
    minHeight: 200,
  },
  {
    id: 'converters',
    title: 'Converters',
    rail: { word: 'Convert', order: 55 },
    icon: PhoneForwarded,
    body: ConvertersPanel,
    head: ConvertersHead,
    home: 'top-right',
    open: false,
    minWidth: 420,
    minHeight: 240,
  },
  {
    id: 'multicast',
    title: 'Multicast',
    rail: { word: 'Multicast', order: 60 },
    icon: Network,
    body: MulticastPanel,
    head: MulticastHead,
    home: 'top-right',
    open: false,
    minWidth: 460,
    minHeight: 260,
  },
  {
    id: 'terminal',
    title: 'Terminal',
    rail: { word: 'Terminal', order: 80 },
    icon: SquareTerminal,
    body: TerminalPanel,
    head: TerminalHead,
    home: 'bottom-right',
    open: true,
    hotkey: 'Ctrl+`',
    minWidth: 280,
    minHeight: 120,
  },
  {
    id: 'inspector',
    title: 'Packet',
    rail: null,
    icon: Microscope,
    body: InspectorPanel,
    head: InspectorHead,
    home: 'right',
    open: true,
    hotkey: 'Ctrl+4',
    minWidth: 280,
    minHeight: 200,
  },
  {
    id: 'report',
    title: 'Report',
    rail: { word: 'Report', order: 90 },
    icon: FileText,
    body: ReportPanel,
    home: 'top-right',
    open: false,
    minWidth: 360,
    minHeight: 160,
  },
];
