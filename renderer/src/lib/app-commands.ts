import type { Command } from './commands.ts';
import type { AppStore } from './engine.svelte.ts';
import { exportReport, pickInput, saveCapture } from './inputs.ts';
import type { Layout } from './layout.svelte.ts';
import { theme } from './theme.svelte.ts';
import type { UiState } from './ui.svelte.ts';

export interface Workbench {
  readonly app: AppStore;
  readonly layout: Layout;
  readonly ui: UiState;
}

/** The commands of the shell. Panels add their own while they are mounted. Ids in the desktop menu are those of the contract. */
export function appCommands(bench: Workbench): Command[] {
  return [
    ...fileCommands(bench),
    ...captureCommands(bench),
    ...transportCommands(bench),
    ...packetCommands(bench),
    ...reportCommands(bench),
    ...viewCommands(bench),
  ];
}

const hasSession =
  ({ app }: Workbench) =>
  (): boolean =>
    app.session !== null;

function fileCommands(bench: Workbench): Command[] {
  const { app } = bench;
  const connected = (): boolean => app.connection === 'open';
  return [
    {
      id: 'input.open',
      title: 'Open a capture file…',
      group: 'File',
      hotkeys: ['Ctrl+O'],
      cli: 'ringside replay FILE',
      when: connected,
      run: () => pickInput(app),
    },
    { id: 'session.close', title: 'Close the capture', group: 'File', hotkeys: ['Ctrl+W', 'Alt+W'], when: hasSession(bench), run: () => app.close() }, // prettier-ignore
    {
      id: 'session.replay',
      title: 'Replay the whole input again',
      group: 'File',
      cli: 'ringside replay FILE --speed max',
      when: hasSession(bench),
      run: () => app.startRun(),
    },
  ];
}

function captureCommands(bench: Workbench): Command[] {
  const { app, ui } = bench;
  const capturing = (): boolean => app.live?.running === true;
  return [
    {
      id: 'capture.start',
      title: 'Start or stop a live capture',
      group: 'Capture',
      hotkeys: ['Ctrl+E'],
      cli: 'ringside capture IFACE',
      when: () => app.connection === 'open',
      run: () => {
        if (capturing()) return app.stopLive();
        ui.captureRequest++;
        return undefined;
      },
    },
    {
      id: 'capture.save',
      title: 'Save the live capture as pcapng',
      group: 'Capture',
      cli: 'ringside capture IFACE -w FILE',
      when: () => app.session?.kind === 'live',
      run: () => saveCapture(app),
    },
  ];
}

function transportCommands(bench: Workbench): Command[] {
  const { app, ui } = bench;
  const replayable = (): boolean => app.session !== null && app.live?.running !== true;
  const command = (id: string, title: string, hotkeys: readonly string[], run: () => Promise<void>): Command => ({
    id: `transport.${id}`,
    title,
    group: 'Transport',
    hotkeys,
    when: replayable,
    run,
  });
  return [
    { ...command('toggle', 'Play or pause', ['Space'], () => app.toggle()), cli: 'ringside replay FILE --speed N' },
    command('step', 'Step forward', ['ArrowRight'], () => app.step(1)),
    command('back', 'Step back', ['ArrowLeft'], () => app.step(-1)),
    command('start', 'Go to the start', ['Home'], () => app.seek(0)),
    command('end', 'Go to the end', ['End'], () => app.seek(app.durationNs)),
    command('max', 'Play as fast as possible', [], async () => {
      await app.setSpeed(0);
      if (app.transport?.state !== 'playing') await app.play();
    }),
    command('real', 'Play at the original timing', [], async () => {
      await app.setSpeed(1);
      if (app.transport?.state !== 'playing') await app.play();
    }),
    command('loop', 'Repeat the stretch shown in the timeline, or not', ['L'], () => app.toggleLoop(ui.timelineRange)),
    command('loopFrom', 'Start of the loop at the playhead', ['['], () => app.loopEdge('fromNs')),
    command('loopTo', 'End of the loop at the playhead', [']'], () => app.loopEdge('toNs')),
    { ...command('skipGaps', 'Skip long gaps while playing, or not', ['G'], () => app.toggleSkipGaps()), cli: 'ringside replay FILE --speed N --skip-gaps' }, // prettier-ignore
    command('here', 'Move the playhead to the selected packet', ['Alt+ArrowRight'], () => app.seekPacket(app.selected)),
  ];
}

function packetCommands(bench: Workbench): Command[] {
  const { app, ui } = bench;
  const selected = (): boolean => app.session !== null && app.selected > 0;
  const any = (): boolean => app.totalPackets > 0;
  return [
    { id: 'packets.previous', title: 'Previous packet', group: 'Packets', hotkeys: ['F7', 'Ctrl+ArrowUp'], when: any, run: () => app.select(Math.max(1, app.selected - 1)) }, // prettier-ignore
    { id: 'packets.next', title: 'Next packet', group: 'Packets', hotkeys: ['F8', 'Ctrl+ArrowDown'], when: any, run: () => app.select(app.selected + 1) }, // prettier-ignore
    { id: 'packets.nextInFlow', title: 'Next packet in the conversation', group: 'Packets', hotkeys: ['Ctrl+.'], when: selected, run: () => app.selectNeighbour(1) }, // prettier-ignore
    { id: 'packets.previousInFlow', title: 'Previous packet in the conversation', group: 'Packets', hotkeys: ['Ctrl+,'], when: selected, run: () => app.selectNeighbour(-1) }, // prettier-ignore
    { id: 'packets.mark', title: 'Mark or unmark the packet', group: 'Packets', hotkeys: ['Ctrl+M'], when: selected, run: () => app.toggleMark() }, // prettier-ignore
    { id: 'packets.timeReference', title: 'Set or clear the time reference', group: 'Packets', hotkeys: ['Ctrl+T', 'Alt+T'], when: selected, run: () => app.toggleTimeReference() }, // prettier-ignore
    {
      id: 'packets.find',
      title: 'Find in the packet list',
      group: 'Packets',
      hotkeys: ['Ctrl+F'],
      when: any,
      run: () => {
        app.showView('packets');
        app.findRequest = true;
      },
    },
    {
      id: 'packets.goto',
      title: 'Go to packet…',
      group: 'Packets',
      hotkeys: ['Ctrl+G'],
      cli: 'ringside packets FILE --explain N',
      when: any,
      run: () => {
        ui.goto = true;
      },
    },
  ];
}

function reportCommands(bench: Workbench): Command[] {
  const { app, ui } = bench;
  const ready = (): boolean => app.summary !== null;
  const toFile = (format: 'html' | 'json' | 'pdf'): Command => ({
    id: `report.${format}`,
    title: `Export the report as ${format.toUpperCase()}`,
    group: 'Report',
    cli: `ringside replay FILE --report F.${format}`,
    when: ready,
    run: () => exportReport(app, format),
  });
  return [
    {
      id: 'report.export',
      title: 'Export the report…',
      group: 'Report',
      hotkeys: ['Ctrl+Shift+E'],
      when: ready,
      run: () => {
        ui.exportRequest++;
      },
    },
    toFile('html'),
    toFile('json'),
    toFile('pdf'),
    {
      id: 'report.compare',
      title: 'Compare this run with the one before',
      group: 'Report',
      when: () => app.previous !== null,
      run: () => {
        ui.compare = true;
      },
    },
    {
      id: 'scenario.edit',
      title: 'Edit the scenario',
      group: 'Scenario',
      cli: 'ringside replay FILE --scenario S',
      when: hasSession(bench),
      run: () => {
        ui.scenario = true;
      },
    },
  ];
}

function viewCommands(bench: Workbench): Command[] {
  const { layout, ui } = bench;
  const withFocus = (): boolean => hasSession(bench)() && layout.focused !== null && layout.width !== 'narrow';
  const onFocused = (run: (id: string) => void) => (): void => {
    if (layout.focused !== null) run(layout.focused);
  };
  const shows = layout.panels.map((panel): Command => ({
    id: panel.id === 'terminal' ? 'view.terminal' : `view.${panel.id}`,
    title: `Show ${panel.title}`,
    group: 'View',
    ...(panel.hotkey !== undefined && { hotkeys: [panel.hotkey] }),
    global: panel.id === 'terminal',
    when: hasSession(bench),
    run: () => {
      if (panel.id === layout.focused && panel.id === 'terminal') focusPane('packets');
      else {
        layout.show(panel.id);
        // The focus itself moves with the next frame; a command that comes before that means this view.
        layout.focused = panel.id;
        focusPane(panel.id);
      }
    },
  }));
  return [
    ...shows,
    { id: 'view.palette', title: 'Command palette', group: 'View', hotkeys: ['Ctrl+Shift+P', 'F1'], global: true, run: () => { ui.palette = true; } }, // prettier-ignore
    { id: 'view.nextPane', title: 'Next pane', group: 'View', hotkeys: ['F6'], global: true, run: () => { walkPanes(1); } }, // prettier-ignore
    { id: 'view.previousPane', title: 'Previous pane', group: 'View', hotkeys: ['Shift+F6'], global: true, run: () => { walkPanes(-1); } }, // prettier-ignore
    { id: 'view.theme', title: 'Switch the theme (system, dark, light)', group: 'View', run: () => { theme.next(); } }, // prettier-ignore
    { id: 'view.reset', title: 'Reset the layout', group: 'View', when: hasSession(bench), run: () => { layout.reset(); } }, // prettier-ignore
    { id: 'view.maximise', title: 'Maximise or restore the view', group: 'View', hotkeys: ['Ctrl+Shift+M'], when: withFocus, run: onFocused((id) => { layout.toggleMaximised(id); }) }, // prettier-ignore
    { id: 'view.close', title: 'Close the view', group: 'View', when: withFocus, run: onFocused((id) => { layout.close(id); }) }, // prettier-ignore
    { id: 'view.moveNext', title: 'Move the view to the next stack', group: 'View', when: withFocus, run: onFocused((id) => { layout.moveToNeighbour(id, 1); }) }, // prettier-ignore
    { id: 'view.splitRight', title: 'Split the view off to the right', group: 'View', when: withFocus, run: onFocused((id) => { layout.splitOff(id, 'right'); }) }, // prettier-ignore
    { id: 'view.splitDown', title: 'Split the view off below', group: 'View', when: withFocus, run: onFocused((id) => { layout.splitOff(id, 'bottom'); }) }, // prettier-ignore
    { id: 'help.keys', title: 'Keyboard shortcuts', group: 'Help', hotkeys: ['?'], run: () => { ui.help = true; } }, // prettier-ignore
  ];
}

/** Moves the focus into a panel, once it has been drawn. */
export function focusPane(id: string): void {
  requestAnimationFrame(() => {
    const pane = document.querySelector<HTMLElement>(`[data-pane="${CSS.escape(id)}"]`);
    (pane?.querySelector<HTMLElement>('[data-pane-focus]') ?? pane)?.focus();
  });
}

/** F6: header, timeline, then every visible pane, and round again. */
function walkPanes(direction: 1 | -1): void {
  const panes = [...document.querySelectorAll<HTMLElement>('[data-pane]')].filter((pane) => pane.checkVisibility());
  const at = panes.findIndex((pane) => pane.contains(document.activeElement));
  const next = panes[(at + direction + panes.length) % panes.length];
  if (next === undefined) return;
  (next.querySelector<HTMLElement>('[data-pane-focus]') ?? next).focus();
}
