/** A door of our own to the package, which is opened only when there is YAML to read or write. */
export { parse, stringify } from 'yaml';
