/** The scripts by which shells complete command lines. They hold all words, so that nothing is run when a key is pressed. */

import { quoteWord } from "../reports/shell_word.ts";
import type { OfferedCommand, OfferedOption } from "./words.ts";

/** The shells. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** The name of a shell. */
export type Shell = typeof SHELLS[number];

const SCRIPTS: Readonly<Record<Shell, (program: string, commands: readonly OfferedCommand[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/**
 * The script for a shell.
 *
 * @param program The command that is completed.
 */
export function completionScript(shell: Shell, program: string, commands: readonly OfferedCommand[]): string {
  return SCRIPTS[shell](program, commands);
}

/** As fish quotes it. */
function quotedForFish(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** The first clause: a menu has a line for each option. */
function brief({ about }: { readonly about: string }): string {
  return about.split(/[;:]|\.(?= |$)/)[0].trim();
}

function bashScript(program: string, commands: readonly OfferedCommand[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  const values = commands.flatMap(({ name, options }) =>
    options.filter(({ values }) => values.length > 0)
      .map((option) => `    ${quoteWord(`${name} ${option.name}`)}) words=${quoteWord(option.values.join(" "))} ;;`)
  );
  const files = commands.flatMap(({ name, options }) =>
    options.filter(({ value, values }) => value !== undefined && values.length === 0)
      .map((option) => quoteWord(`${name} ${option.name}`))
  );
  const options = commands.map(({ name, options }) =>
    `    ${name}) words=${quoteWord(options.map(({ name }) => name).join(" "))} ;;`
  );
  const subcommands = commands.filter(({ subcommands }) => subcommands.length > 0)
    .map(({ name, subcommands }) => `    ${name}) words=${quoteWord(subcommands.join(" "))} ;;`);
  return `_${program}() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}" words=
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W ${quoteWord(`${names} --help --version`)} -- "$word"))
    return
  fi
  case "$command $before" in
${values.join("\n")}
    ${files.join(" | ")}) return ;;
  esac
  if [ -z "$words" ] && [ "$COMP_CWORD" = 2 ]; then case "$command" in
${subcommands.join("\n")}
  esac; fi
  if [ -z "$words" ]; then case "$word" in -*) case "$command" in
${options.join("\n")}
  esac ;; esac; fi
  if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$word")); fi
}
complete -o default -F _${program} ${program}
`;
}

function zshScript(program: string, commands: readonly OfferedCommand[]): string {
  const escaped = (text: string) => text.replaceAll(/[\\[\]:]/g, "\\$&");
  const spec = ({ name, value, values, ...option }: OfferedOption) => {
    const takes = value === undefined
      ? ""
      : `:${escaped(value)}:${values.length === 0 ? "_files" : `(${values.join(" ")})`}`;
    return quoteWord(`${name}[${escaped(brief(option))}]${takes}`);
  };
  const cases = commands.map(({ name, subcommands, options }) => {
    const first = subcommands.length === 0 ? "" : `'1:what:(${subcommands.join(" ")})' `;
    return `    ${name}) _arguments ${first}${options.map(spec).join(" ")} '*:file:_files' ;;`;
  });
  const names = commands.map(({ name, ...command }) => quoteWord(`${name}:${escaped(brief(command))}`));
  return `#compdef ${program}
_${program}() {
  local -a commands=(${names.join(" ")})
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command=$words[2]
  shift words; (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
compdef _${program} ${program}
`;
}

function fishScript(program: string, commands: readonly OfferedCommand[]): string {
  const lines = commands.flatMap(({ name, subcommands, options, ...command }) => {
    const seen = `-n ${quotedForFish(`__fish_seen_subcommand_from ${name}`)}`;
    const words = [...subcommands].map((word) => `complete -c ${program} ${seen} -a ${word}`);
    return [
      `complete -c ${program} -f -n __fish_use_subcommand -a ${name} -d ${quotedForFish(brief(command))}`,
      ...words,
      ...options.map(({ name, value, values, ...option }) => {
        const takes = value === undefined
          ? ""
          : values.length === 0
          ? " -r"
          : ` -x -a ${quotedForFish(values.join(" "))}`;
        return `complete -c ${program} ${seen} -l ${name.slice(2)}${takes} -d ${quotedForFish(brief(option))}`;
      }),
    ];
  });
  return `${lines.join("\n")}\n`;
}
