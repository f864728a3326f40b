// Progress for a person and for a log: one line per step, with its time, and the tail of the output when a step fails.
import { spawn } from 'node:child_process';

const colour = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;
const paint = (code, text) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = (text) => paint(1, text);
export const dim = (text) => paint(2, text);
export const good = (text) => paint(32, text);
export const bad = (text) => paint(31, text);
export const warm = (text) => paint(33, text);

export function say(text) {
  process.stdout.write(`${text}\n`);
}

/** How many bytes of a step's output are kept for the case that it fails. */
const TAIL_BYTES = 16_000;

/**
 * Runs a program as a named step. Resolves to its exit code and kept output; never rejects. With `show`, the program
 * writes straight to the terminal. A running dot line tells that work goes on when a step takes longer than ten seconds.
 *
 * @param {string} title
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean, quiet?: boolean, timeoutMs?: number}} [options]
 * @returns {Promise<{code: number, output: string}>}
 */
export function step(title, command, args, options = {}) {
  const started = Date.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', options.show === true ? 'inherit' : 'pipe', options.show === true ? 'inherit' : 'pipe'],
    });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-TAIL_BYTES);
    };
    child.stdout?.setEncoding('utf8').on('data', keep);
    child.stderr?.setEncoding('utf8').on('data', keep);
    const still = setInterval(() => {
      if (options.show !== true) say(dim(`  … ${title}: ${String(Math.round((Date.now() - started) / 1000))} s`));
    }, 10_000);
    const limit =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            keep(`\nstopped after ${String(options.timeoutMs)} ms`);
            child.kill('SIGKILL');
          }, options.timeoutMs);
    let settled = false;
    const finish = (code) => {
      if (settled) return;
      settled = true;
      clearInterval(still);
      clearTimeout(limit);
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      if (options.quiet !== true) say(`${code === 0 ? good('✓') : bad('✕')} ${title} ${dim(`${seconds} s`)}`);
      if (code !== 0 && options.quiet !== true && options.show !== true) say(output.trimEnd());
      resolve({ code, output });
    };
    child.on('error', (error) => {
      keep(String(error));
      finish(127);
    });
    child.on('close', (code) => {
      finish(code ?? 1);
    });
  });
}
