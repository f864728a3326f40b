import type { MenuItemConstructorOptions } from 'electron';
import type { MenuCommand } from '../engine/contract/index.ts';

export interface RecentFile {
  readonly path: string;
  readonly name: string;
}

export interface MenuActions {
  /** Runs a command of the window that has the focus. */
  command(id: MenuCommand): void;
  openPath(path: string): void;
  clearRecent(): void;
}

/** The menu bar. Every entry is a command that the palette knows too; the keys are those of docs/keyboard.md. */
export function menuTemplate(
  platform: string,
  appName: string,
  recent: readonly RecentFile[],
  actions: MenuActions,
): MenuItemConstructorOptions[] {
  const mac = platform === 'darwin';
  const command = (label: string, id: MenuCommand, accelerator?: string): MenuItemConstructorOptions => ({
    label,
    ...(accelerator !== undefined && { accelerator }),
    // The window handles its own keys; the menu shows them.
    registerAccelerator: false,
    click: () => {
      actions.command(id);
    },
  });
  const separator: MenuItemConstructorOptions = { type: 'separator' };
  const recentItems: MenuItemConstructorOptions[] =
    recent.length === 0
      ? [{ label: 'No recent captures', enabled: false }]
      : [
          ...recent.map(({ path, name }) => ({
            label: name,
            toolTip: path,
            click: () => {
              actions.openPath(path);
            },
          })),
          separator,
          {
            label: 'Clear recent',
            click: () => {
              actions.clearRecent();
            },
          },
        ];
  return [
    ...(mac ? [{ role: 'appMenu', label: appName } as MenuItemConstructorOptions] : []),
    {
      label: '&File',
      submenu: [
        command('Open…', 'input.open', 'CmdOrCtrl+O'),
        { label: 'Open recent', submenu: recentItems },
        command('Capture…', 'capture.start', 'CmdOrCtrl+E'),
        separator,
        command('Export report…', 'report.export'),
        command('Close capture', 'session.close', 'CmdOrCtrl+W'),
        ...(mac ? [] : [separator, { role: 'quit' } as MenuItemConstructorOptions]),
      ],
    },
    {
      label: '&Edit',
      submenu: [
        { role: 'copy' },
        { role: 'paste' },
        { role: 'selectAll' },
        separator,
        command('Find packet…', 'packets.find', 'CmdOrCtrl+F'),
        command('Go to packet…', 'packets.goto', 'CmdOrCtrl+G'),
      ],
    },
    {
      label: '&Replay',
      submenu: [
        command('Play or pause', 'transport.toggle', 'Space'),
        command('Step forward', 'transport.step', 'Right'),
        command('Step back', 'transport.back', 'Left'),
      ],
    },
    {
      label: '&View',
      submenu: [
        command('Command palette…', 'view.palette', 'CmdOrCtrl+Shift+P'),
        command('Terminal', 'view.terminal', 'CmdOrCtrl+`'),
        command('Switch theme', 'view.theme'),
        command('Reset layout', 'view.reset'),
        separator,
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'togglefullscreen' },
      ],
    },
    { label: '&Help', role: 'help', submenu: [command('Keyboard shortcuts', 'help.keys', '?')] },
  ];
}
