import { isMap, parseDocument } from 'yaml';
import { readText, writeWhole } from './docker-config.ts';
import { CommandFailed, EXIT } from './exit.ts';
import type { CliSettings } from './settings.ts';

/**
 * Writes settings into the settings file. Everything else in it stays, also comments.
 *
 * @throws CommandFailed `notConfigured` if the file is not a list of settings.
 */
export function writeSettings(path: string, settings: CliSettings): void {
  const text = readText(path) ?? '';
  const document = parseDocument(text);
  if (document.errors.length > 0 || !(document.contents === null || isMap(document.contents))) {
    throw new CommandFailed(EXIT.notConfigured, `${path} is not a list of settings`, 'Fix or delete it first.');
  }
  const changed = Object.entries(settings).filter(([key, value]) => document.get(key) !== value);
  for (const [key, value] of changed) document.set(key, value);
  if (changed.length > 0) writeWhole(path, document.toString());
}
