/**
 * One shell and its screen. It lives as long as the window, not as long as the panel: a panel that moves to another place or is closed and
 * opened again takes the same screen with its history, and what the shell prints meanwhile is not lost.
 */
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { SerializeAddon } from '@xterm/addon-serialize';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { WebglAddon } from '@xterm/addon-webgl';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import type { AppStore } from '../../lib/engine.svelte.ts';
import { sharedState } from '../../lib/shared-state.svelte.ts';
import { terminalTheme } from './palette.ts';
import { packetLinks } from './packet-links.ts';

/** Lines kept above the screen: a long session's output, about 10 MB at 120 columns. */
export const SCROLLBACK_LINES = 10_000;
/** The contract takes a megabyte at once; a longer paste goes in pieces. */
const WRITE_CHUNK = 500_000;
/** Until the shell has said something the size may still change as the panel is laid out. */
const RESIZE_MS = 60;

export type ShellState = 'idle' | 'starting' | 'running' | 'ended' | 'failed';

export class Shell {
  readonly #app: AppStore;
  readonly terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #search = new SearchAddon();
  readonly #serialize = new SerializeAddon();
  readonly #undo: (() => void)[] = [];
  status = $state<ShellState>('idle');
  /** Name of the shell, such as `bash`. */
  name = $state('');
  /** Why it could not start. */
  problem = $state('');
  /** How the screen is drawn; for the curious and for tests. */
  renderer = $state<'webgl' | 'dom'>('dom');
  #id: string | null = null;
  #webgl: WebglAddon | null = null;
  #resizeTimer: ReturnType<typeof setTimeout> | null = null;
  /** Output that came before the answer that names the terminal. */
  #early: { terminal: string; data: string }[] = [];

  constructor(app: AppStore) {
    this.#app = app;
    this.terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
      fontFamily: "'JetBrains Mono Variable', 'JetBrains Mono', monospace",
      fontSize: 12,
      lineHeight: 1.2,
      scrollback: SCROLLBACK_LINES,
      minimumContrastRatio: 4.5,
      screenReaderMode: false,
      theme: terminalTheme(),
    });
    this.terminal.loadAddon(this.#fit);
    this.terminal.loadAddon(this.#search);
    this.terminal.loadAddon(this.#serialize);
    this.terminal.loadAddon(new WebLinksAddon());
    this.terminal.registerLinkProvider(packetLinks(this.terminal, (number) => { app.select(number); })); // prettier-ignore
    this.terminal.onData((data) => {
      this.#send(data);
    });
  }

  /** Shows the screen inside an element; the answer takes it out again. */
  mount(parent: HTMLElement): () => void {
    const { element } = this.terminal;
    if (element) parent.append(element);
    else {
      this.terminal.open(parent);
      this.#useWebgl();
    }
    this.fit();
    if (this.status === 'idle') void this.start();
    return () => {
      this.terminal.element?.remove();
    };
  }

  #useWebgl(): void {
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => {
        webgl.dispose();
        this.#webgl = null;
        this.renderer = 'dom';
      });
      this.terminal.loadAddon(webgl);
      this.#webgl = webgl;
      this.renderer = 'webgl';
    } catch {
      // No WebGL here: xterm's own renderer draws with elements.
      this.renderer = 'dom';
    }
  }

  async start(): Promise<void> {
    if (this.status === 'starting' || this.status === 'running') return;
    this.status = 'starting';
    this.problem = '';
    this.#listen();
    try {
      const { cols, rows } = this.terminal;
      const answer = await this.#app.call('terminal.open', { session: this.#app.sessionId, cols, rows });
      this.#id = answer.terminal;
      this.name = answer.shell;
      this.status = 'running';
      for (const one of this.#early) if (one.terminal === answer.terminal) this.terminal.write(one.data);
      this.#early = [];
      this.#sendSize();
    } catch (error) {
      this.status = 'failed';
      this.problem = error instanceof Error ? error.message : String(error);
      this.#unlisten();
    }
  }

  #listen(): void {
    this.#unlisten();
    this.#undo.push(
      this.#app.on('terminal.data', ({ terminal, data }) => {
        if (this.#id === null) this.#early.push({ terminal, data });
        else if (terminal === this.#id) this.terminal.write(data);
      }),
      this.#app.on('terminal.exit', ({ terminal, code }) => {
        if (terminal === this.#id) this.#end(`the shell ended with code ${String(code)}`);
      }),
    );
  }

  #unlisten(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }

  #end(why: string): void {
    this.#id = null;
    this.#early = [];
    this.#unlisten();
    this.status = 'ended';
    this.terminal.write(`\r\n\x1b[90m[${why}; press Enter for a new one]\x1b[0m\r\n`);
  }

  /** The connection is gone, and the shell with it. The output stays readable. */
  lost(): void {
    if (this.status === 'running' || this.status === 'starting') this.#end('the connection was lost');
  }

  #send(data: string): void {
    const terminal = this.#id;
    if (terminal === null) {
      if (this.status === 'ended' && data === '\r') void this.start();
      return;
    }
    for (let at = 0; at < data.length; at += WRITE_CHUNK) {
      void this.#app.ask('Writing to the shell', 'terminal.write', { terminal, data: data.slice(at, at + WRITE_CHUNK) });
    }
  }

  /** Fits rows and columns to the panel, and tells the shell when they changed. */
  fit(): void {
    const size = this.#fit.proposeDimensions();
    if (!size || !Number.isFinite(size.cols) || size.cols < 2 || size.rows < 2) return;
    if (size.cols === this.terminal.cols && size.rows === this.terminal.rows) return;
    this.terminal.resize(Math.min(1_000, size.cols), Math.min(1_000, size.rows));
    if (this.#resizeTimer !== null) clearTimeout(this.#resizeTimer);
    this.#resizeTimer = setTimeout(() => {
      this.#sendSize();
    }, RESIZE_MS);
  }

  #sendSize(): void {
    if (this.#id === null) return;
    const { cols, rows } = this.terminal;
    void this.#app.ask('Resizing the shell', 'terminal.resize', { terminal: this.#id, cols, rows });
  }

  applyTheme(): void {
    this.terminal.options.theme = terminalTheme();
    this.#webgl?.clearTextureAtlas();
  }

  find(text: string, direction: 1 | -1): boolean {
    const options = { decorations: { matchOverviewRuler: '#3fb6c6', activeMatchColorOverviewRuler: '#f2b84b', matchBackground: '#1f3a52', activeMatchBackground: '#7a5a10' } }; // prettier-ignore
    return direction === 1 ? this.#search.findNext(text, options) : this.#search.findPrevious(text, options);
  }
  clearFind(): void {
    this.#search.clearDecorations();
  }

  /** Screen and scrollback as text. */
  text(): string {
    const buffer = this.terminal.buffer.active;
    const lines = Array.from({ length: buffer.length }, (_, y) => buffer.getLine(y)?.translateToString(true) ?? '');
    return lines.join('\n').trimEnd() + '\n';
  }

  /** Screen and scrollback with their colours, as a web page's fragment: for notes and tickets. */
  html(): string {
    return this.#serialize.serializeAsHTML({ includeGlobalBackground: true });
  }
}

export const shellOf = sharedState((app) => new Shell(app));
