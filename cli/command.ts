/** What a command of the command line is. */

import {
  type CommandHelp,
  formatHelp,
  type GivenOptions,
  type OptionTable,
  parseArguments,
  refusePositionals,
  type Values,
} from "./options.ts";

/** A command. */
export interface Command {
  /** Its name: the first argument. */
  readonly name: string;
  /** What it does, in a line. */
  readonly about: string;
  /** Runs it with the arguments after its name. */
  run(args: readonly string[]): Promise<void>;
}

/** What a command is given beside the values of its options. */
export interface GivenArguments {
  /** The options that were given, without those that have their defaults. */
  readonly given: GivenOptions;
  /** What stands beside the options; nothing unless the command's help names it. */
  readonly positionals: readonly string[];
}

/** Makes a command from its options and what it does with their values. */
export function defineCommand<T extends OptionTable>(
  help: Omit<CommandHelp, "options"> & { readonly options: T },
  run: (values: Values<T>, args: GivenArguments) => Promise<void>,
): Command {
  return {
    name: help.name,
    about: help.about,
    async run(args) {
      if (args.includes("--help") || args.includes("-h")) return console.log(formatHelp(help));
      const { values, given, positionals } = parseArguments(help.name, help.options, args);
      if (help.positionals === undefined) refusePositionals(help.name, positionals);
      await run(values, { given, positionals });
    },
  };
}
