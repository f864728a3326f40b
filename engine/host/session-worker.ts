import { statSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import { EngineError, messagePortPort, serve, type CallContext, type LiveStatus, type SessionInfo } from '../contract/index.ts';
import type { SessionWorkerData } from './session-host.ts';
import { scenarioText } from './scenarios.ts';
import { SessionCore } from './session/core.ts';
import { FOLLOW_POLL_MS, Follower } from './session/follow.ts';
import { sessionHandlers } from './session/handlers.ts';
import { SessionInput } from './session/input.ts';
import { runInLanes } from './session/run-in-lanes.ts';
import { savePcapng } from './session/save.ts';
import { reportName, reportOf, writeReport } from './session/report.ts';

/** The thread of one session: serves the session's part of the contract on the port it was given. */
const data = workerData as SessionWorkerData;
let core: SessionCore | undefined;
let follower: Follower | undefined;

function session(): SessionCore {
  if (core === undefined) throw new EngineError({ code: 'busy', message: 'The input is still being read.' });
  return core;
}

async function open(context: CallContext): Promise<SessionInfo> {
  if (data.live !== null) follower = await Follower.open(data.path, context.signal);
  const input = follower?.input ?? (await SessionInput.open(data.path, context));
  core = new SessionCore({
    id: data.id,
    name: data.name,
    input,
    scenario: { id: data.scenario, yaml: scenarioText(data.scenario) },
    runner: runInLanes,
    ...(data.live !== null && { timestamps: data.live.timestamps }),
    events: {
      transport: (event) => {
        served.event('transport', event);
      },
      runFinished: (event) => {
        served.event('run.finished', event);
      },
      runFailed: (event) => {
        served.event('run.failed', event);
      },
      changed: (event) => {
        served.event('session.changed', event);
      },
    },
  });
  if (follower === undefined) core.runs.runInBackground();
  else followLive(core, follower);
  return core.info();
}

/** Takes in what the capture appends, and tells the window what has come. */
function followLive(live: SessionCore, from: Follower): void {
  live.transport.follow();
  let known = -1;
  const timer = setInterval(() => {
    if (!from.input.growing) {
      clearInterval(timer);
      return;
    }
    from.take();
    live.transport.catchUp();
    served.event('live.status', { session: data.id, status: status() });
    // The first packets bring the interfaces and the epoch: the window shows them.
    if (known < 1 && from.input.packets !== known) {
      known = from.input.packets;
      served.event('session.changed', { session: data.id, info: live.info() });
    }
  }, FOLLOW_POLL_MS);
}

/** What this thread knows of the capture; the host adds what the backend says. */
function status(): LiveStatus {
  const { totals, count } = session().input.index;
  return {
    device: data.live?.device ?? '',
    backend: 'dumpcap',
    running: follower?.input.growing ?? false,
    packets: count,
    bytes: totals.bytes,
    kernelDrops: null,
    evicted: 0,
    message: '',
  };
}

/** A path in the session's own temporary folder. */
const newFile = (): string => join(tmpdir(), randomBytes(9).toString('hex'));

const served = serve(
  messagePortPort(data.port),
  sessionHandlers(session, {
    'session.open': (_request, context) => open(context),
    'session.close': () => {
      core?.dispose();
      return {};
    },
    'report.export': async ({ format }, context) => {
      const path = newFile();
      const form = format === 'json' ? 'json' : 'html';
      await writeReport(await reportOf(session().reportRequest(), context.signal), form, path);
      return { name: reportName(data.name, form), url: path, bytes: statSync(path).size };
    },
    'live.stop': () => {
      if (follower !== undefined && follower.input.growing) {
        follower.end();
        session().endOfInput();
      }
      return status();
    },
    'live.status': status,
    'live.save': () => {
      const path = newFile();
      savePcapng(session().input, path);
      return { name: `${data.name}.pcapng`, url: path };
    },
  }),
);
