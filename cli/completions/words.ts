/** What can be completed of a command line: the same for each shell. */

import type { Command } from "../command.ts";

/** An option as completion offers it. */
export interface OfferedOption {
  /** With its dashes. */
  readonly name: string;
  /** What it is for. */
  readonly about: string;
  /** What help calls its value; nothing where it takes none. */
  readonly value?: string;
  /** The values to offer; files where there are none. */
  readonly values: readonly string[];
}

/** A command as completion offers it. */
export interface OfferedCommand {
  /** Its name. */
  readonly name: string;
  /** What it does. */
  readonly about: string;
  /** What may follow its name. */
  readonly subcommands: readonly string[];
  /** Its options, help last. */
  readonly options: readonly OfferedOption[];
}

const HELP: OfferedOption = { name: "--help", about: "explain the options", values: [] };

/** What is offered of some commands. */
export function offersOf(commands: readonly Command[]): OfferedCommand[] {
  return commands.map(({ name, about, subcommands = [], options = {} }) => ({
    name,
    about,
    subcommands,
    options: [
      ...Object.entries(options).map(([name, { kind, about, value, choices, suggests, words, default: standard }]) => ({
        name: `--${kind === "flag" && standard === true ? "no-" : ""}${name}`,
        about,
        value: kind === "flag" ? undefined : value ?? "VALUE",
        values: choices ?? suggests ?? words ?? [],
      })),
      HELP,
    ],
  }));
}
