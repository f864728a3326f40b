/**
 * Runs in the sandboxed window before its page, isolated from it. It offers four functions and hands on one MessagePort;
 * the page gets neither Electron nor Node.
 */
import { contextBridge, ipcRenderer, webUtils, type IpcRendererEvent } from 'electron';
import type { InputRef } from '../engine/contract/index.ts';
// Not through the index: the sandboxed script carries these few names and no validation library.
import { SHELL_PORT, SHELL_PORT_REQUEST, type RingsideShell } from '../engine/contract/shell.ts';
import { CHANNELS } from './channels.ts';

const shell: RingsideShell = {
  platform: process.platform,
  handleForFile(file) {
    const path = webUtils.getPathForFile(file);
    return path === '' ? Promise.resolve(null) : (ipcRenderer.invoke(CHANNELS.register, path) as Promise<InputRef | null>);
  },
  onCommand(listener) {
    const forward = (_event: IpcRendererEvent, id: string): void => {
      listener(id);
    };
    ipcRenderer.on(CHANNELS.command, forward);
    return () => {
      ipcRenderer.off(CHANNELS.command, forward);
    };
  },
  setTheme(theme) {
    ipcRenderer.send(CHANNELS.theme, theme);
  },
};

contextBridge.exposeInMainWorld('ringsideShell', shell);

window.addEventListener('message', (event) => {
  if (event.source === window && event.data === SHELL_PORT_REQUEST) ipcRenderer.send(CHANNELS.connect);
});
ipcRenderer.on(CHANNELS.port, (event) => {
  // A port can only cross from the isolated world to the page by a message.
  window.postMessage(SHELL_PORT, window.location.origin, event.ports);
});
