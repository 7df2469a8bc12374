import type { Client } from '../client/client.ts';
import type { Io } from './io.ts';
import { type CliSettings, readSettings } from './settings.ts';

/** The context of every command. */
export interface Context {
  readonly io: Io;
  /** The current settings. The command's own flags win. */
  readonly settings: (flags?: CliSettings) => Promise<CliSettings>;
  /** A client with these settings. */
  readonly api: (flags?: CliSettings) => Promise<Client>;
}

/** @param global flags before the command. */
export function contextOf(io: Io, global: () => CliSettings): Context {
  const settings = (flags: CliSettings = {}) => readSettings({ ...global(), ...flags }, io.env);
  // This loads the AWS SDK, which takes longer than all the rest.
  const api = async (flags?: CliSettings) => {
    const all = await settings(flags);
    const { openApi } = await import('./api.ts');
    return openApi(all, io.env);
  };
  return { io, settings, api };
}
