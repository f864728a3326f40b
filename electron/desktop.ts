import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BrowserWindow,
  Menu,
  MessageChannelMain,
  app,
  dialog,
  ipcMain,
  nativeTheme,
  protocol,
  screen,
  session,
  shell,
  utilityProcess,
  type FileFilter,
  type MessagePortMain,
} from 'electron';
import type { FileKind } from '../engine/contract/index.ts';
import { CHANNELS } from './channels.ts';
import { EngineLink, type EngineChild } from './engine-link.ts';
import { menuTemplate, type RecentFile } from './menu.ts';
import { APP_ORIGIN, APP_SCHEME, CONTENT_SECURITY_POLICY, assetPath, mayNavigate, mayOpenOutside, mayUse, mediaType } from './security.ts';
import { readArguments } from './arguments.ts';
import type { ShellQuestion } from './shell-messages.ts';
import { DEFAULT_HEIGHT, DEFAULT_WIDTH, MIN_HEIGHT, MIN_WIDTH, loadWindowState, saveWindowState } from './window-state.ts';

export interface DesktopOptions {
  /** Folder with the built programs. */
  readonly dist: string;
  /** File to open at the start. */
  readonly file: string | undefined;
}

/** How the dialog names what can be opened. Content decides, not the name, so every file can be chosen too. */
const OPEN_DIALOGS: Readonly<Record<FileKind, { readonly title: string; readonly filters: FileFilter[] }>> = {
  capture: {
    title: 'Open a capture',
    filters: [
      { name: 'Captures', extensions: ['pcap', 'pcapng', 'cap', 'snoop', 'gz', 'zst'] },
      { name: 'All files', extensions: ['*'] },
    ],
  },
  conditions: {
    title: 'Open channel conditions',
    filters: [
      { name: 'CSV', extensions: ['csv'] },
      { name: 'All files', extensions: ['*'] },
    ],
  },
};

/** A page that does not finish printing in this time is given up. */
const PRINT_TIMEOUT_MS = 60_000;

export function runDesktop(options: DesktopOptions): void {
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  protocol.registerSchemesAsPrivileged([{ scheme: APP_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } }]);
  app.enableSandbox();
  new Desktop(options).run();
}

class Desktop {
  private readonly options: DesktopOptions;
  private engine: EngineLink<MessagePortMain> | undefined;
  private window: BrowserWindow | undefined;
  private recent: readonly RecentFile[] = [];
  /** Files the operating system asked for before the engine ran. */
  private readonly early: string[] = [];

  constructor(options: DesktopOptions) {
    this.options = options;
  }

  run(): void {
    app.on('second-instance', (_event, argv, cwd) => {
      const mode = readArguments(argv.slice(app.isPackaged ? 1 : 2), cwd);
      if (mode.kind === 'window' && mode.file !== undefined) this.openPath(mode.file);
      this.focus();
    });
    // macOS hands over associated files by an event, possibly before the program is ready.
    app.on('open-file', (event, path) => {
      event.preventDefault();
      this.openPath(path);
    });
    app.on('window-all-closed', () => {
      if (process.platform !== 'darwin') app.quit();
    });
    app.on('before-quit', () => this.engine?.close());
    app.on('web-contents-created', (_event, contents) => {
      contents.on('will-navigate', (event, url) => {
        if (!mayNavigate(url)) event.preventDefault();
      });
      contents.on('will-attach-webview', (event) => {
        event.preventDefault();
      });
      contents.setWindowOpenHandler(({ url }) => {
        if (mayOpenOutside(url)) void shell.openExternal(url);
        return { action: 'deny' };
      });
    });
    void app.whenReady().then(() => {
      this.ready();
    });
  }

  private ready(): void {
    this.lockDown();
    this.serveInterface();
    this.listen();
    this.engine = new EngineLink<MessagePortMain>({
      start: () => this.startEngine(),
      ask: (question) => this.answer(question),
      onRecent: (files) => {
        this.recent = files;
        this.setMenu();
        for (const { path } of files) app.addRecentDocument(path);
      },
      onLost: (code) => {
        void dialog.showMessageBox({
          type: 'error',
          message: 'The engine ended unexpectedly.',
          detail: `It stopped with code ${code}. The window connects to a new one; open the capture again.`,
        });
        this.engine?.restart();
        this.window?.webContents.reload();
      },
    });
    this.setMenu();
    this.openWindow();
    app.on('activate', () => {
      if (BrowserWindow.getAllWindows().length === 0) this.openWindow();
    });
    for (const path of this.early.splice(0)) this.openPath(path);
  }

  private startEngine(): EngineChild<MessagePortMain> {
    const { dist, file } = this.options;
    const child = utilityProcess.fork(join(dist, 'electron', 'engine.js'), [file ?? ''], {
      serviceName: 'Ringside engine',
      stdio: 'inherit',
    });
    return child;
  }

  private lockDown(): void {
    session.defaultSession.setPermissionRequestHandler((_contents, permission, decide) => {
      decide(mayUse(permission));
    });
    session.defaultSession.setPermissionCheckHandler((_contents, permission) => mayUse(permission));
  }

  /** Serves dist/renderer under the program's own origin with a strict policy; nothing else can be read through it. */
  private serveInterface(): void {
    const folder = join(this.options.dist, 'renderer');
    protocol.handle(APP_SCHEME, async ({ url }) => {
      const segments = assetPath(url);
      const type = segments === undefined ? undefined : mediaType(segments.at(-1) ?? '');
      if (segments === undefined || type === undefined) return new Response('not found', { status: 404 });
      try {
        const body = await readFile(join(folder, ...segments));
        const headers = {
          'content-type': type,
          'content-security-policy': CONTENT_SECURITY_POLICY,
          'x-content-type-options': 'nosniff',
          'cross-origin-opener-policy': 'same-origin',
        };
        return new Response(new Uint8Array(body), { headers });
      } catch {
        return new Response('not found', { status: 404 });
      }
    });
  }

  private listen(): void {
    ipcMain.on(CHANNELS.connect, (event) => {
      if (!mayNavigate(event.senderFrame?.url ?? '')) return;
      const { port1, port2 } = new MessageChannelMain();
      this.engine?.connect(port1);
      event.sender.postMessage(CHANNELS.port, null, [port2]);
    });
    ipcMain.handle(CHANNELS.register, (event, path: unknown) => {
      if (typeof path !== 'string' || !mayNavigate(event.senderFrame?.url ?? '')) return null;
      return this.engine?.register(path) ?? null;
    });
    ipcMain.on(CHANNELS.theme, (_event, theme: unknown) => {
      if (theme === 'dark' || theme === 'light' || theme === 'system') nativeTheme.themeSource = theme;
    });
  }

  private openWindow(): void {
    const statePath = join(app.getPath('userData'), 'window.json');
    const displays = screen.getAllDisplays().map((display) => display.workArea);
    const state = loadWindowState(statePath, displays);
    const window = new BrowserWindow({
      width: DEFAULT_WIDTH,
      height: DEFAULT_HEIGHT,
      ...state.bounds,
      minWidth: MIN_WIDTH,
      minHeight: MIN_HEIGHT,
      show: false,
      title: 'Ringside',
      backgroundColor: nativeTheme.shouldUseDarkColors ? '#0d1117' : '#f4f6f8',
      webPreferences: {
        preload: join(this.options.dist, 'electron', 'preload.cjs'),
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webviewTag: false,
        spellcheck: false,
      },
    });
    if (state.maximized) window.maximize();
    window.once('ready-to-show', () => {
      window.show();
    });
    window.on('close', () => {
      try {
        saveWindowState(statePath, window.getNormalBounds(), window.isMaximized());
      } catch {
        // A full or read-only disk must not keep the window open.
      }
    });
    window.on('closed', () => {
      if (this.window === window) this.window = undefined;
    });
    this.window = window;
    void window.loadURL(`${APP_ORIGIN}/index.html`);
  }

  private openPath(path: string): void {
    if (this.engine === undefined) {
      this.early.push(path);
      return;
    }
    if (this.window === undefined) this.openWindow();
    this.engine.open(path);
  }

  private focus(): void {
    if (this.window === undefined) return;
    if (this.window.isMinimized()) this.window.restore();
    this.window.focus();
  }

  private setMenu(): void {
    const template = menuTemplate(process.platform, app.name, this.recent, {
      command: (id) => this.window?.webContents.send(CHANNELS.command, id),
      openPath: (path) => {
        this.openPath(path);
      },
      clearRecent: () => {
        app.clearRecentDocuments();
        this.recent = [];
        this.setMenu();
      },
    });
    Menu.setApplicationMenu(Menu.buildFromTemplate(template));
  }

  private async answer(question: ShellQuestion): Promise<string | null> {
    switch (question.kind) {
      case 'pick': {
        const result = await this.withWindow(
          (window) => dialog.showOpenDialog(window, { ...OPEN_DIALOGS[question.file], properties: ['openFile'] }),
          { canceled: true, filePaths: [] },
        );
        return result.canceled ? null : (result.filePaths[0] ?? null);
      }
      case 'save': {
        const filters = [{ name: question.format.toUpperCase(), extensions: [question.format] }];
        const result = await this.withWindow((window) => dialog.showSaveDialog(window, { defaultPath: question.name, filters }), {
          canceled: true,
          filePath: '',
        });
        return result.canceled || result.filePath === '' ? null : result.filePath;
      }
      case 'print':
        return this.print(question.html, question.pdf);
    }
  }

  private async withWindow<T>(ask: (window: BrowserWindow) => Promise<T>, otherwise: T): Promise<T> {
    return this.window === undefined ? otherwise : ask(this.window);
  }

  /** Prints a report in a hidden window that can run no script and reach no network. */
  private async print(htmlPath: string, pdfPath: string): Promise<string | null> {
    const hidden = new BrowserWindow({ show: false, webPreferences: { sandbox: true, contextIsolation: true, javascript: false } });
    const limit = setTimeout(() => {
      hidden.destroy();
    }, PRINT_TIMEOUT_MS);
    try {
      await hidden.loadFile(htmlPath);
      const pdf = await hidden.webContents.printToPDF({ printBackground: true, pageSize: 'A4', preferCSSPageSize: true });
      const { writeFile } = await import('node:fs/promises');
      await writeFile(pdfPath, pdf);
      return pdfPath;
    } finally {
      clearTimeout(limit);
      if (!hidden.isDestroyed()) hidden.destroy();
    }
  }
}
