/** Names of the messages between a window's preload script and the main process. */
export const CHANNELS = {
  /** Window to main: give me a port to the engine. */
  connect: 'ringside:connect',
  /** Main to window: here it is, in event.ports. */
  port: 'ringside:port',
  /** Window to main: a handle for the path of a dropped file. */
  register: 'ringside:register',
  /** Main to window: a menu entry was chosen. */
  command: 'ringside:command',
  /** Window to main: the theme in use. */
  theme: 'ringside:theme',
} as const;
