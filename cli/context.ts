import type { Client } from '../client/client.ts';
import type { Io } from './io.ts';
import { type CliSettings, readSettings } from './settings.ts';

/** What every command is given. */
export interface Context {
  readonly io: Io;
  /** The settings in force, the command's own flags first. */
  readonly settings: (flags?: CliSettings) => Promise<CliSettings>;
  /** A client for them. */
  readonly api: (flags?: CliSettings) => Promise<Client>;
}

/** @param global flags that stand before the command. */
export function contextOf(io: Io, global: () => CliSettings): Context {
  const settings = (flags: CliSettings = {}) => readSettings({ ...global(), ...flags }, io.env);
  // The AWS SDK comes with it, and costs more than all the rest.
  const api = async (flags?: CliSettings) => {
    const all = await settings(flags);
    const { openApi } = await import('./api.ts');
    return openApi(all, io.env);
  };
  return { io, settings, api };
}
