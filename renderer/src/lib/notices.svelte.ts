import { EngineError, type EngineErrorData, type Progress } from '../../../engine/contract/index.ts';

/** Notices kept on screen at once; older ones leave first, so that a failing loop cannot fill the window. */
const MAX_NOTICES = 5;
/** Information goes by itself after this; errors stay until they are closed. */
const INFO_MS = 6_000;

export interface Notice {
  readonly id: number;
  readonly tone: 'error' | 'info' | 'good';
  /** What happened. */
  readonly message: string;
  /** Where: file, offset, line, field. Empty where there is nothing to say. */
  readonly where: string;
  /** What to do; often a command. */
  readonly fix: string;
  /** How often the same thing happened since it was shown first. */
  readonly times: number;
}

/** A call that takes long enough to show. */
export class Task {
  readonly id: number;
  readonly title: string;
  readonly controller = new AbortController();
  progress = $state.raw<Progress | null>(null);

  constructor(id: number, title: string) {
    this.id = id;
    this.title = title;
  }

  /** Part done, 0..1, or null while the end is not known. */
  get fraction(): number | null {
    return this.progress !== null && this.progress.total > 0 ? Math.min(1, this.progress.done / this.progress.total) : null;
  }

  cancel(): void {
    this.controller.abort();
  }
}

export function whereText(where: EngineErrorData['where']): string {
  if (where === undefined) return '';
  const parts: string[] = [];
  if (where.file !== undefined) parts.push(where.file);
  if (where.offset !== undefined) parts.push(`offset ${String(where.offset)}`);
  if (where.line !== undefined) parts.push(`line ${String(where.line)}`);
  if (where.field !== undefined && where.field !== '') parts.push(where.field);
  return parts.join(', ');
}

/** The whole notice as text for the clipboard. */
export function noticeText(notice: Notice): string {
  return [notice.message, notice.where && `Where: ${notice.where}`, notice.fix && `What to do: ${notice.fix}`].filter(Boolean).join('\n');
}

/** What went wrong, what went well, and what is still going on. */
export class Notices {
  list = $state.raw<readonly Notice[]>([]);
  tasks = $state.raw<readonly Task[]>([]);
  #nextId = 1;

  /** Shows an error of any kind. A call that the user cancelled is no error. */
  error(doing: string, error: unknown): void {
    const data = error instanceof EngineError ? error.data : null;
    if (data?.code === 'cancelled') return;
    const message = error instanceof Error ? error.message : String(error);
    this.#add('error', doing === '' ? message : `${doing}: ${message}`, whereText(data?.where), data?.fix ?? '');
  }

  info(message: string, fix = ''): void {
    this.#expire(this.#add('info', message, '', fix));
  }

  good(message: string, fix = ''): void {
    this.#expire(this.#add('good', message, '', fix));
  }

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  startTask(title: string): Task {
    const task = new Task(this.#nextId++, title);
    this.tasks = [...this.tasks, task];
    return task;
  }

  endTask(task: Task): void {
    this.tasks = this.tasks.filter((other) => other !== task);
  }

  #add(tone: Notice['tone'], message: string, where: string, fix: string): number {
    const same = this.list.find((notice) => notice.message === message && notice.where === where);
    const id = same?.id ?? this.#nextId++;
    const notice: Notice = { id, tone, message, where, fix, times: (same?.times ?? 0) + 1 };
    this.list = [...this.list.filter((other) => other.id !== id), notice].slice(-MAX_NOTICES);
    return id;
  }

  #expire(id: number): void {
    setTimeout(() => {
      this.dismiss(id);
    }, INFO_MS);
  }
}
