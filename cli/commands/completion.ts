import { type Command, Option } from 'commander';
import type { Context } from '../context.ts';
import { CommandFailed, EXIT } from '../exit.ts';

/** Words that may follow each command: `''` for `hublease` itself, `setup docker` for a subcommand. */
type Words = Readonly<Record<string, readonly string[]>>;

const SHELLS: Readonly<Record<string, (words: Words) => string>> = { bash, zsh, fish };

/** `hublease completion`. */
export function completionCommand(program: Command, { io }: Context): void {
  program
    .command('completion')
    .description('print a completion script for bash, zsh or fish')
    .argument('<shell>', 'bash, zsh or fish')
    .action((shell: string) => {
      const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
      if (script === undefined)
        throw new CommandFailed(
          EXIT.usage,
          `unknown shell "${shell}": expected bash, zsh or fish`,
          'source <(hublease completion bash)',
        );
      io.out(script(wordsOf(program)));
    });
}

function wordsOf(command: Command, path = ''): Words {
  const flags = [...command.options, new Option('--help')].flatMap((option) => option.long ?? []);
  const names = command.commands.map((each) => each.name());
  const below = command.commands.map((each) => wordsOf(each, `${path} ${each.name()}`.trim()));
  return Object.assign({ [path]: [...names, ...flags] }, ...below);
}

function casesOf(words: Words): string {
  return Object.entries(words)
    .filter(([path]) => path !== '')
    .map(([path, each]) => `    '${path}') words='${each.join(' ')}' ;;`)
    .join('\n');
}

/** Finds the command in the words so far, without flags. The longest known one wins. */
function bash(words: Words): string {
  return `_hublease() {
  local word command='' words='${words['']?.join(' ')}'
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) continue ;; esac
    case "\${command:+$command }$word" in
${namesOf(words)}
    esac
  done
  case "$command" in
${casesOf(words)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _hublease hublease
`;
}

function zsh(words: Words): string {
  return `#compdef hublease
_hublease() {
  local word command='' words='${words['']?.join(' ')}'
  for word in "\${(@)words_typed[2,CURRENT-1]}"; do
    case "$word" in -*) continue ;; esac
    case "\${command:+$command }$word" in
${namesOf(words)}
    esac
  done
  case "$command" in
${casesOf(words)}
  esac
  compadd -- \${=words}
}
_hublease_start() { local -a words_typed=("\${words[@]}"); _hublease }
compdef _hublease_start hublease
`;
}

function namesOf(words: Words): string {
  const known = Object.keys(words).filter((path) => path !== '');
  return `      ${known.map((path) => `'${path}'`).join('|')}) command="\${command:+$command }$word" ;;`;
}

function fish(words: Words): string {
  return Object.entries(words)
    .flatMap(([path, each]) => {
      const seen = path.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
      const names = path === '' ? '__fish_use_subcommand' : seen.join('; and ');
      return each.map((word) =>
        word.startsWith('--')
          ? `complete -c hublease -n '${names}' -l ${word.slice(2)}`
          : `complete -c hublease -f -n '${names}' -a ${word}`,
      );
    })
    .join('\n')
    .concat('\n');
}
