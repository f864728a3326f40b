/** Version of the program, written into the bundle by the build; only the bundle runs as a command. */
export function programVersion(): string {
  return process.env.RINGSIDE_VERSION ?? 'unbuilt';
}
