/** What a command of the command line is, and how it ends. */

import { ResiduaError, UsageError } from "../core/mod.ts";
import { messageOf } from "./error_message.ts";
import { printNotice, widthOf } from "./reports/layout.ts";
import { permissionText } from "../files/mod.ts";
import { type CommandHelp, formatHelp } from "./options/help.ts";
import type { GivenOptions, OptionTable, Values } from "./options/option.ts";
import { parseArguments, refusePositionals } from "./options/parse_options.ts";

/** A command. */
export interface Command {
  /** Its name: the first argument. */
  readonly name: string;
  /** What it does, in a line. */
  readonly about: string;
  /** Its options. Defaults to none that are completed. */
  readonly options?: OptionTable;
  /** What may follow its name, before the options. Defaults to nothing. */
  readonly subcommands?: readonly string[];
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
    options: help.options,
    async run(args) {
      if (args.includes("--help") || args.includes("-h")) return console.log(formatHelp(help, widthOf()));
      const { values, given, positionals } = parseArguments(help.name, help.options, args);
      if (help.positionals === undefined) refusePositionals(help.name, positionals);
      await run(values, { given, positionals });
    },
  };
}

/** The codes of the system for an output that takes nothing more: a full disk or quota, a terminal or a pipe that was closed. */
const OUTPUT_CODES = ["ENOSPC", "EDQUOT", "EIO", "EPIPE", "EBADF", "EFBIG"];

/** Whether something could not be printed. Files are written by code that says which. */
function isOutputError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && OUTPUT_CODES.includes(String(error.code));
}

function outputText({ message }: Error): string {
  return `What is printed could not be written: ${message}; send the output elsewhere, and run the command again`;
}

/**
 * Runs something, and turns an error into one sentence on standard error.
 *
 * @param who What stands before it, such as which of several processes it is. Defaults to nothing.
 * @returns The exit code: 0 done, 1 failed, 2 wrong usage.
 */
export async function exitCodeOf(run: () => Promise<void>, who = ""): Promise<number> {
  try {
    await run();
    return 0;
  } catch (error) {
    const denied = permissionText(error);
    try {
      if (error instanceof ResiduaError) printNotice(`error: ${who}${messageOf(error)}`);
      else if (denied !== undefined) printNotice(`error: ${who}${denied}`);
      else if (isOutputError(error)) printNotice(`error: ${who}${outputText(error)}`);
      else {console.error(
          `error: ${who}this is a bug in Residua, please report it:\n${(error as Error)?.stack ?? error}`,
        );}
    } catch {
      // Standard error takes nothing either; the exit code is left to tell.
    }
    return error instanceof UsageError ? 2 : 1;
  }
}
