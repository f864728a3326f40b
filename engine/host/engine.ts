import { resolve } from 'node:path';
import {
  EngineError,
  contract,
  serve,
  type CallContext,
  type CallName,
  type EngineHandlers,
  type EventData,
  type EventName,
  type FileKind,
  type Hello,
  type InputRef,
  type Port,
  type Served,
  type SessionInfo,
} from '../contract/index.ts';
import { haveZstd, sweepTempFolders } from '../files/index.ts';
import { checkFilter, listBackends, listDevices } from '../capture/index.ts';
import { networkProfiles, scenarioIssues } from '../lab/index.ts';
import { CliLink } from './cli-link.ts';
import { readConditionsFile } from './conditions-file.ts';
import { Downloads } from './downloads.ts';
import { Inputs } from './inputs.ts';
import { LiveSessions } from './live-sessions.ts';
import { configFolder, programVersion, sessionWorkerFile } from './paths.ts';
import { PDF_FIX, findChromium } from './pdf.ts';
import { Reports } from './reports.ts';
import { DEFAULT_SCENARIO } from './compiled-scenario.ts';
import { listScenarios, scenarioText } from './scenarios.ts';
import { SessionHost, sessionId, type SessionStart } from './session-host.ts';
import { Terminals, terminalFeature } from './terminals.ts';

/** Sessions of one host. Each has a thread and an index in memory. */
export const MAX_SESSIONS = 8;

/** What the desktop shell can do for the engine. Paths come back, or null when the user cancelled. */
export interface ShellHooks {
  pick(kind: FileKind): Promise<string | null>;
  save(name: string, format: string): Promise<string | null>;
  /** Prints an HTML file into a PDF file. */
  print(htmlPath: string, pdfPath: string): Promise<void>;
}

export interface EngineOptions {
  /** `Node 20.20.2`, `Electron 45.4.1`. */
  readonly runtime?: string;
  /** Folder of the list of recent files. */
  readonly configFolder?: string;
  /** File to open at once. */
  readonly initial?: string;
  readonly initialScenario?: string;
  readonly shell?: ShellHooks;
  /** Told when the list of recent files changed. */
  readonly onRecent?: (recent: readonly InputRef[]) => void;
  /** For tests. */
  readonly sessionWorkerFile?: string;
}

interface OpenSession {
  readonly host: SessionHost;
  readonly owner: Connection;
  info: SessionInfo;
}

/** One window's connection. Its sessions and terminals end with it. */
interface Connection {
  served: Served | undefined;
  readonly terminals: Set<string>;
}

/** Calls that this thread answers itself; the others name a session and go to its thread. */
type OwnCall = Exclude<
  CallName,
  | `packets.${string}`
  | `transport.${string}`
  | `run.${string}`
  | `stack.${string}`
  | `rings.${string}`
  | 'bursts.analyse'
  | `translator.${string}`
  | Exclude<Extract<CallName, `burst.${string}`>, 'burst.profiles' | 'burst.conditions'>
  | Extract<CallName, `offload.${string}`>
  | `multicast.${string}`
  | `converters.${string}`
  | 'flows.list'
  | 'timeline'
  | 'series'
  | 'frame'
  | 'session.info'
  | 'scenario.use'
  | 'scenario.set'
>;
type OwnHandlers = Pick<EngineHandlers, OwnCall>;

/** The engine as a service: the host of any number of windows. No packet is touched on this thread. */
export class Engine {
  readonly inputs: Inputs;
  readonly downloads = new Downloads();
  private readonly options: EngineOptions;
  private readonly sessions = new Map<string, OpenSession>();
  private readonly connections = new Set<Connection>();
  private readonly terminals = new Terminals();
  private readonly live: LiveSessions;
  private readonly reports: Reports;
  private link: Promise<CliLink> | undefined;
  private initial: InputRef | null = null;
  private latest: string | undefined;

  constructor(options: EngineOptions = {}) {
    this.options = options;
    this.inputs = new Inputs(options.configFolder ?? configFolder());
    this.live = new LiveSessions();
    this.reports = new Reports(this.downloads, options.shell);
    if (options.initial !== undefined) {
      const scenario = options.initialScenario;
      this.initial = this.inputs.add(options.initial, scenario === undefined ? {} : { scenario });
    }
  }

  /** Answers a window on a port until it closes. */
  connect(port: Port): void {
    const connection: Connection = { served: undefined, terminals: new Set() };
    this.connections.add(connection);
    port.onClose(() => {
      void this.disconnect(connection);
    });
    connection.served = serve(port, this.handlers(connection));
  }

  /** Asks every window to open a file; EngineError when the file is not there. */
  requestOpen(path: string): InputRef {
    const input = this.inputs.add(resolve(path));
    for (const connection of this.connections) connection.served?.event('input.open', { input });
    return input;
  }

  /** Windows connected now. */
  get windows(): number {
    return this.connections.size;
  }

  async dispose(): Promise<void> {
    this.terminals.dispose();
    await Promise.all([...this.sessions.keys()].map((id) => this.closeSession(id)));
    for (const connection of this.connections) connection.served?.close();
    (await this.link)?.close();
    this.downloads.dispose();
  }

  private handlers(connection: Connection): EngineHandlers {
    const own = this.ownHandlers(connection);
    const names = Object.keys(contract.calls) as CallName[];
    const forwarded = names.filter((name) => !Object.hasOwn(own, name)).map((name) => [name, this.forward(name)]);
    return { ...own, ...Object.fromEntries(forwarded) } as EngineHandlers;
  }

  private forward(name: CallName): (request: never, context: CallContext) => Promise<unknown> {
    return (request, context) => {
      const { session } = request as { session: string };
      const options = { signal: context.signal, onProgress: context.progress.bind(context) };
      return this.session(session).host.client.call(name, request, options);
    };
  }

  private session(id: string): OpenSession {
    const session = this.sessions.get(id);
    if (session === undefined)
      throw new EngineError({ code: 'not-found', message: 'This session is closed.', fix: 'Open the input again.' });
    return session;
  }

  private ownHandlers(connection: Connection): OwnHandlers {
    const ok = {};
    return {
      hello: () => this.hello(),
      'input.pick': async ({ kind }) => {
        const path = await this.options.shell?.pick(kind ?? 'capture');
        return path === undefined || path === null ? null : this.inputs.add(path);
      },
      'input.forget': ({ handle }) => {
        this.inputs.forget(handle);
        this.options.onRecent?.(this.inputs.recent());
        return ok;
      },
      'session.open': ({ handle }, context) => this.open(connection, handle, context),
      'session.close': async ({ session }) => {
        await this.closeSession(session);
        return ok;
      },
      'burst.conditions': ({ handle }) => {
        const { path, ref } = this.inputs.get(handle);
        return { name: ref.name, ...readConditionsFile(path, ref.name) };
      },
      'burst.profiles': () => ({ profiles: networkProfiles() }),
      'scenario.get': ({ id }) => ({ yaml: scenarioText(id) }),
      'scenario.check': ({ yaml }) => ({ issues: scenarioIssues(yaml) }),
      'live.devices': async () => ({ devices: listDevices(), backends: await listBackends() }),
      'live.checkFilter': ({ filter }) => checkFilter(filter),
      'live.start': (request, context) =>
        this.live.start(request, async (start) => {
          const info = await this.startSession(connection, start, context);
          return { info, host: this.session(start.id).host };
        }),
      'live.stop': ({ session }) => this.live.stop(session),
      'live.status': ({ session }) => this.live.status(session),
      'live.save': ({ session }) => this.live.save(session, this.reports),
      'report.export': ({ session, format }, context) => this.reports.export(this.session(session).host.client, session, format, context),
      'terminal.open': (size) => this.openTerminal(connection, size),
      'terminal.write': ({ terminal, data }) => {
        this.terminals.write(own(connection, terminal), data);
        return ok;
      },
      'terminal.resize': ({ terminal, cols, rows }) => {
        this.terminals.resize(own(connection, terminal), cols, rows);
        return ok;
      },
      'terminal.close': ({ terminal }) => {
        this.terminals.close(own(connection, terminal));
        return ok;
      },
    };
  }

  private async hello(): Promise<Hello> {
    const backends = await listBackends();
    const able = backends.find((backend) => backend.ok);
    const first = backends[0];
    const pdf = this.options.shell !== undefined || findChromium() !== undefined;
    return {
      version: programVersion(),
      runtime: this.options.runtime ?? `Node ${process.versions.node}`,
      platform: process.platform,
      features: {
        terminal: terminalFeature(),
        capture: able !== undefined ? { ok: true, why: '' } : { ok: false, why: `${first?.why ?? ''} ${first?.fix ?? ''}`.trim() },
        zstd: haveZstd() ? { ok: true, why: '' } : { ok: false, why: 'zstd needs Node 22.15 or newer.' },
        pdf: pdf ? { ok: true, why: '' } : { ok: false, why: `A PDF needs an installed Chromium or Chrome: ${PDF_FIX}` },
        nativeDialogs: this.options.shell !== undefined,
      },
      samples: this.inputs.samples(),
      recent: this.inputs.recent(),
      scenarios: listScenarios(),
      initial: this.initial,
    };
  }

  private async open(connection: Connection, handle: string, context: CallContext): Promise<SessionInfo> {
    const { path, ref } = this.inputs.get(handle);
    const scenario = ref.scenario ?? DEFAULT_SCENARIO;
    let info: SessionInfo;
    try {
      info = await this.startSession(connection, { id: sessionId(), path, name: ref.name, live: null, scenario }, context);
    } catch (error) {
      throw withName(error, path, ref.name);
    }
    this.inputs.remember(handle);
    this.options.onRecent?.(this.inputs.recent());
    return info;
  }

  private async startSession(connection: Connection, start: SessionStart, context: CallContext): Promise<SessionInfo> {
    if (this.sessions.size >= MAX_SESSIONS) {
      throw new EngineError({ code: 'limit', message: `${MAX_SESSIONS} sessions are open.`, fix: 'Close one first.' });
    }
    const host = new SessionHost(
      start,
      (message) => {
        this.sessions.delete(start.id);
        connection.served?.event('run.failed', { session: start.id, message });
      },
      this.options.sessionWorkerFile ?? sessionWorkerFile,
    );
    this.passEvents(host, connection);
    const info = await host.open(context.signal, context.progress.bind(context));
    this.sessions.set(start.id, { host, owner: connection, info });
    this.latest = start.id;
    if (!this.connections.has(connection)) await this.closeSession(start.id);
    return info;
  }

  private passEvents(host: SessionHost, connection: Connection): void {
    const pass = <E extends EventName>(event: E): void => {
      host.client.on(event, (data: EventData<E>) => {
        connection.served?.event(event, data);
      });
    };
    for (const event of ['transport', 'run.finished', 'run.failed', 'session.changed', 'live.status'] as const) pass(event);
  }

  private async closeSession(id: string): Promise<void> {
    const session = this.sessions.get(id);
    if (session === undefined) return;
    this.sessions.delete(id);
    if (this.latest === id) this.latest = [...this.sessions.keys()].at(-1);
    await session.host.close();
    await this.live.dispose(id);
  }

  private async disconnect(connection: Connection): Promise<void> {
    this.connections.delete(connection);
    for (const terminal of connection.terminals) this.terminals.close(terminal);
    const mine = [...this.sessions].filter(([, { owner }]) => owner === connection);
    await Promise.all(mine.map(([id]) => this.closeSession(id)));
  }

  private async openTerminal(
    connection: Connection,
    request: { session: string | null; cols: number; rows: number },
  ): Promise<{ terminal: string; shell: string }> {
    this.link ??= CliLink.start(this.linkHandlers());
    const { env } = await this.link;
    const opened = this.terminals.open(request, env, {
      data: (terminal, data) => connection.served?.event('terminal.data', { terminal, data }),
      exit: (terminal, code) => {
        connection.terminals.delete(terminal);
        connection.served?.event('terminal.exit', { terminal, code });
      },
      backlogBytes: () => connection.served?.backlogBytes() ?? 0,
    });
    connection.terminals.add(opened.terminal);
    return opened;
  }

  private linkHandlers(): Parameters<typeof CliLink.start>[0] {
    const current = (): OpenSession => {
      if (this.latest === undefined) {
        throw new EngineError({ code: 'not-found', message: 'No session is open in the window.', fix: 'ringside open FILE' });
      }
      return this.session(this.latest);
    };
    return {
      open: ({ path }) => Promise.resolve(this.requestOpen(path)),
      session: async () => {
        const { host } = current();
        const session = host.start.id;
        const [info, run, transport] = await Promise.all([
          host.client.call('session.info', { session }),
          host.client.call('run.summary', { session }),
          host.client.call('transport.get', { session }),
        ]);
        return { path: host.start.path, info, summary: run.current, transport };
      },
      run: ({ lanes }, signal) => {
        const { host } = current();
        return host.client.call('run.start', { session: host.start.id, ...(lanes !== undefined && { lanes }) }, { signal });
      },
    };
  }
}

/** A terminal of this connection; another window's is as if it were not there. */
function own(connection: Connection, terminal: string): string {
  if (!connection.terminals.has(terminal)) throw new EngineError({ code: 'not-found', message: 'This terminal has ended.' });
  return terminal;
}

/** The error with the name that the user knows a file by: an upload lies under a name of its own. */
function withName(error: unknown, path: string, name: string): unknown {
  if (!(error instanceof EngineError) || error.data.where?.file !== path) return error;
  return new EngineError({ ...error.data, where: { ...error.data.where, file: name } });
}

export function createEngine(options: EngineOptions = {}): Engine {
  // What a host that was killed left behind.
  sweepTempFolders();
  return new Engine(options);
}
