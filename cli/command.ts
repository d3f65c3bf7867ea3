/** What a command of the command line is. */

import {
  type CommandHelp,
  formatHelp,
  type OptionTable,
  parseArguments,
  parseOptions,
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

/**
 * Makes a command from its options and what it does with their values, and with what stands beside them where its help
 * names that.
 */
export function defineCommand<T extends OptionTable>(
  help: Omit<CommandHelp, "options"> & { readonly options: T },
  run: (values: Values<T>, positionals: readonly string[]) => Promise<void>,
): Command {
  return {
    name: help.name,
    about: help.about,
    async run(args) {
      if (args.includes("--help") || args.includes("-h")) return console.log(formatHelp(help));
      if (help.positionals === undefined) return await run(parseOptions(help.name, help.options, args), []);
      const { values, positionals } = parseArguments(help.name, help.options, args);
      await run(values, positionals);
    },
  };
}
