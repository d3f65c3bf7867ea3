/** The messages of errors as the command line writes them: with its flags for the library's arguments. */

import { type Advice, ResiduaError } from "../core/mod.ts";

/** The flags whose names are not those of the arguments. */
const FLAGS: Readonly<Record<string, string>> = {
  columns: "--list-columns",
  folder: "--data",
  initial: "--init",
  normalisation: "--mean and --std",
  progress: "--resume",
  rate: "--lr",
};

/**
 * How the command line is given an argument.
 *
 * @example
 * ```ts
 * import { flagOf } from "./error_message.ts";
 * console.log(flagOf({ argument: "maxBad", value: 20 })); // --max-bad 20
 * ```
 */
export function flagOf({ argument, value }: Advice): string {
  const flag = FLAGS[argument] ?? `--${argument.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return value === undefined || value === true ? flag : `${flag} ${value}`;
}

/** The message of an error, for the user of the command line. */
export function messageOf(error: Error): string {
  return error instanceof ResiduaError ? error.format(flagOf) : error.message;
}
