import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { CommandFailed, EXIT } from '../cli/exit.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What the runner takes from a step that has ended. */
const FILES = ['GITHUB_OUTPUT', 'GITHUB_ENV', 'GITHUB_STATE'] as const;

/**
 * An input of the step; undefined when it was left out or is empty.
 * Source: GitHub Docs, "Metadata syntax reference", `inputs`.
 */
export function input(env: Env, name: string): string | undefined {
  return env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`]?.trim() || undefined;
}

/** An input that is true or false, in the spellings of YAML's core schema. @throws CommandFailed `usage` for any other. */
export function booleanInput(env: Env, name: string): boolean {
  const value = input(env, name) ?? 'false';
  if (['true', 'True', 'TRUE'].includes(value)) return true;
  if (['false', 'False', 'FALSE'].includes(value)) return false;
  throw new CommandFailed(EXIT.usage, `the input "${name}" is neither true nor false`);
}

/**
 * A line that the runner carries out instead of showing it.
 * Source: GitHub Docs, "Workflow commands for GitHub Actions"; the escapes are those of actions/toolkit, `command.ts`.
 */
export function runnerCommand(command: string, text: string): string {
  return `::${command}::${text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')}\n`;
}

/** @throws CommandFailed when nobody would learn what this step has to tell. */
export function requireRunner(env: Env): void {
  const missing = FILES.find((file) => !env[file]);
  if (missing !== undefined) {
    throw new CommandFailed(EXIT.usage, `${missing} is not set`, 'This runs as a step of GitHub Actions only.');
  }
}

/** Hands a value to the runner: an output, a variable for the steps that follow, or state for the post step. */
export function hand(env: Env, file: (typeof FILES)[number], name: string, value: string): void {
  // Nobody can end the value early who cannot guess this.
  const delimiter = `ghadelimiter_${randomUUID()}`;
  appendFileSync(env[file] as string, `${name}<<${delimiter}\n${value}\n${delimiter}\n`);
}

/** Adds to the page that the job's summary is, where the runner has one. */
export function summarize(env: Env, markdown: string): void {
  if (env.GITHUB_STEP_SUMMARY) appendFileSync(env.GITHUB_STEP_SUMMARY, markdown);
}
