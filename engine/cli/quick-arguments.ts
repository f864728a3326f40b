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
