/** Loaded only when there is YAML to read or write. */
export { parse, stringify } from 'yaml';
