/** What a command of the command line is. */

import {
  type CommandHelp,
  formatHelp,
  type GivenOptions,
  type OptionTable,
  parseGiven,
  resolveOptions,
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

/** Makes a command from its options and what it does with their values, and with those alone that were given. */
export function defineCommand<T extends OptionTable>(
  help: Omit<CommandHelp, "options"> & { readonly options: T },
  run: (values: Values<T>, given: GivenOptions) => Promise<void>,
): Command {
  return {
    name: help.name,
    about: help.about,
    async run(args) {
      if (args.includes("--help") || args.includes("-h")) return console.log(formatHelp(help));
      const given = parseGiven(help.name, help.options, args);
      await run(resolveOptions(help.options, given), given);
    },
  };
}
