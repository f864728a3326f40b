import { EngineError, inputRefSchema, type FileKind, type InputRef } from '../../../engine/contract/index.ts';
import type { AppStore } from './engine.svelte.ts';

/** Where files go that a browser hands over; the desktop shell opens them by path instead. */
const UPLOAD_PATH = './upload';
const ACCEPT: Readonly<Record<FileKind, string>> = {
  capture: '.pcap,.pcapng,.cap,.ntar,.snoop,.pcap.gz,.pcapng.gz,.gz,.zst,.dmp,.erf,application/vnd.tcpdump.pcap',
  conditions: '.csv,text/csv',
};

/** The one file field of the window. It is part of the document: a field that is not may be collected before its dialog is answered. */
const FIELD_ID = 'input-file';

/** Who gets a file that was chosen, as the host knows it. */
type Taker = (input: InputRef) => Promise<unknown>;

/** The file field, made when it is first asked for. */
function fileField(app: AppStore, kind: FileKind, take: Taker): HTMLInputElement {
  const known = document.getElementById(FIELD_ID);
  const field = known instanceof HTMLInputElement ? known : document.createElement('input');
  if (field !== known) {
    field.id = FIELD_ID;
    field.type = 'file';
    field.hidden = true;
    document.body.append(field);
  }
  field.accept = ACCEPT[kind];
  field.onchange = (): void => {
    const file = field.files?.[0];
    if (file !== undefined) void handOver(app, file, take);
  };
  return field;
}

/** Asks for a file with the native dialog, or the browser's own where there is none. */
export async function chooseFile(app: AppStore, kind: FileKind, take: Taker): Promise<void> {
  if (app.hello?.features.nativeDialogs === true) {
    const input = await app.ask('Opening a file', 'input.pick', { kind });
    if (input !== null) await take(input);
    return;
  }
  const field = fileField(app, kind, take);
  // Else the same file chosen again would be no change.
  field.value = '';
  field.click();
}

export async function pickInput(app: AppStore): Promise<void> {
  await chooseFile(app, 'capture', ({ handle, name }) => app.open(handle, name));
}

/** Opens a file object from a dialog or a drop. */
export async function openFile(app: AppStore, file: File): Promise<void> {
  await handOver(app, file, ({ handle, name }) => app.open(handle, name));
}

/** Makes a file object known to the host, by its path or by sending it there, and gives the reference on. */
export async function handOver(app: AppStore, file: File, take: Taker): Promise<void> {
  const task = app.notices.startTask(`Reading ${file.name}`);
  let input: InputRef | null = null;
  try {
    input =
      window.ringsideShell === undefined
        ? await upload(file, task.controller.signal, (done) => {
            task.progress = { done, total: file.size, unit: 'bytes', message: '' };
          })
        : await window.ringsideShell.handleForFile(file);
    if (input === null) throw new EngineError({ code: 'bad-input', message: 'This is not a file on disk.', where: { file: file.name } });
  } catch (error) {
    app.notices.error(`Opening ${file.name}`, error);
  } finally {
    app.notices.endTask(task);
  }
  if (input !== null) await take(input);
}

/** Sends a file to the host that served this page. XMLHttpRequest, because fetch tells nothing of an upload's progress. */
function upload(file: File, signal: AbortSignal, onProgress: (doneBytes: number) => void): Promise<InputRef> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `${UPLOAD_PATH}?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.addEventListener('progress', (event) => {
      onProgress(event.loaded);
    });
    request.addEventListener('load', () => {
      const answer = parseAnswer(request.responseText);
      if (request.status === 200 && answer !== null) resolve(answer);
      else reject(new EngineError({ code: 'bad-input', message: request.responseText || `The host answered ${String(request.status)}.` }));
    });
    request.addEventListener('error', () => {
      reject(new EngineError({ code: 'unavailable', message: 'The connection broke while the file was sent.', fix: 'Try again.' }));
    });
    request.addEventListener('abort', () => {
      reject(new EngineError({ code: 'cancelled', message: 'Cancelled.' }));
    });
    signal.addEventListener('abort', () => {
      request.abort();
    });
    request.send(file);
  });
}

function parseAnswer(text: string): InputRef | null {
  try {
    const parsed = inputRefSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** Saves what the host made: a download when served, a path to show when the desktop shell already wrote it. */
export function deliver(app: AppStore, what: string, made: { readonly name: string; readonly url: string }): void {
  if (window.ringsideShell !== undefined) {
    app.notices.good(`${what} written: ${made.url}`);
    return;
  }
  const link = document.createElement('a');
  link.href = made.url;
  link.download = made.name;
  link.click();
  app.notices.good(`${what} downloaded: ${made.name}`);
}

export type ReportFormat = 'html' | 'json' | 'pdf';

export async function exportReport(app: AppStore, format: ReportFormat): Promise<void> {
  const session = app.sessionId;
  if (session === null) return;
  const made = await app.askLong(`Writing the ${format.toUpperCase()} report`, 'report.export', { session, format });
  if (made !== null) deliver(app, 'Report', made);
}

export async function saveCapture(app: AppStore): Promise<void> {
  const session = app.sessionId;
  if (session === null) return;
  const made = await app.askLong('Saving the capture', 'live.save', { session });
  if (made !== null) deliver(app, 'Capture', made);
}
