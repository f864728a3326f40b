import type { ListOptions } from './packet-list.ts';
import type { TranslateOptions } from './translate.ts';

export interface QuickArguments {
  readonly file: string;
  readonly scenario: string;
  readonly lanes: number | undefined;
}

/**
 * Arguments of `replay FILE --json` with nothing but a scenario's name and a number of lanes beside; undefined for all others,
 * wrong ones included, about which the full command line knows what to say.
 */
export function quickArguments(args: readonly string[]): QuickArguments | undefined {
  let file: string | undefined;
  let scenario = 'default';
  let lanes: number | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--json') continue;
    if (arg === '-s' || arg === '--scenario') scenario = args[++i] ?? '';
    else if (arg === '--lanes') {
      const text = args[++i] ?? '';
      if (!/^([1-9]|1[0-6])$/.test(text)) return undefined;
      lanes = Number(text);
    } else if (arg.startsWith('-') || file !== undefined) return undefined;
    else file = arg;
  }
  return file === undefined || !/^[a-z0-9][a-z0-9-]*$/.test(scenario) ? undefined : { file, scenario, lanes };
}

export interface QuickTranslation {
  readonly options: TranslateOptions;
  readonly json: boolean;
}

type TextOption = 'mode' | 'config' | 'in6' | 'in4' | 'out6' | 'out4' | 'link' | 'log';

const TEXT_OPTIONS: Readonly<Record<string, TextOption>> = {
  '-m': 'mode',
  '--mode': 'mode',
  '-c': 'config',
  '--config': 'config',
  '--in6': 'in6',
  '--in4': 'in4',
  '--out6': 'out6',
  '--out4': 'out4',
  '--link': 'link',
  '--log': 'log',
};
/** Words that these options take. */
const WORDS: Partial<Record<TextOption, readonly string[]>> = {
  mode: ['siit', 'nat64', 'clat', 'mapt', 'dns64'],
  link: ['raw', 'ethernet'],
};

/** Arguments of `translate` whose options are all known here and right; undefined for all others, as above. */
export function translateArguments(args: readonly string[]): QuickTranslation | undefined {
  const options: Partial<Record<TextOption, string>> = {};
  let json = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--json') {
      json = true;
      continue;
    }
    const name = Object.hasOwn(TEXT_OPTIONS, arg) ? TEXT_OPTIONS[arg] : undefined;
    const value = args[++i];
    if (name === undefined || value === undefined || value.startsWith('-')) return undefined;
    if (WORDS[name]?.includes(value) === false) return undefined;
    options[name] = value;
  }
  return { options: options as TranslateOptions, json };
}

export interface QuickListing {
  readonly file: string;
  readonly options: ListOptions;
  readonly json: boolean;
}

/** Arguments of `packets FILE` that lists rows or fields; undefined for all others, as above. */
export function listArguments(args: readonly string[]): QuickListing | undefined {
  let file: string | undefined;
  let json = false;
  const options: { -readonly [K in keyof ListOptions]: ListOptions[K] } = {};
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--json') json = true;
    else if (arg === '--from' || arg === '--count') {
      const text = args[++i] ?? '';
      if (!/^[1-9]\d{0,8}$/.test(text)) return undefined;
      options[arg === '--from' ? 'from' : 'count'] = Number(text);
    } else if (arg === '--fields') {
      const text = args[++i] ?? '';
      if (!/^[A-Za-z]/.test(text)) return undefined;
      options.fields = text.split(',');
    } else if (arg.startsWith('-') || file !== undefined) return undefined;
    else file = arg;
  }
  return file === undefined ? undefined : { file, options, json };
}
