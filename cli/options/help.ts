/** What `--help` prints. */

import type { OptionTable } from "./option.ts";

/** What a command takes beside its options. */
export interface Positionals {
  /** What help calls them. */
  readonly value: string;
  /** What they are. */
  readonly about: string;
}

/** A command as help shows it. */
export interface CommandHelp {
  /** Its name. */
  readonly name: string;
  /** What it does, in a line. */
  readonly about: string;
  /** What it takes beside its options. Defaults to nothing. */
  readonly positionals?: Positionals;
  /** Its options. */
  readonly options: OptionTable;
  /** Arguments with what they do. */
  readonly examples: readonly (readonly [string, string])[];
}

/** The text of `--help`. */
export function formatHelp({ name, about, positionals, options, examples }: CommandHelp): string {
  const rows = Object.entries(options).map(([option, { kind, value, about, default: standard, choices }]) => {
    const takes = kind === "flag" ? "" : ` ${value ?? (choices === undefined ? "N" : choices.join("|"))}`;
    const head = `--${kind === "flag" && standard === true ? `[no-]${option}` : option}${takes}`;
    return [head, `${about}${standard === undefined || kind === "flag" ? "" : ` [${standard}]`}`] as const;
  });
  if (positionals !== undefined) rows.unshift([positionals.value, positionals.about]);
  const width = Math.min(34, Math.max(...rows.map(([head]) => head.length)));
  return [
    `deno task ${name} [options]${positionals === undefined ? "" : ` ${positionals.value}`}`,
    "",
    about,
    ...(rows.length === 0 ? [] : [""]),
    ...rows.map(([head, text]) =>
      head.length > width ? `  ${head}\n  ${" ".repeat(width)}  ${text}` : `  ${head.padEnd(width)}  ${text}`
    ),
    "",
    "Examples:",
    ...examples.map(([args, text]) => `  deno task ${name}${args === "" ? "" : ` ${args}`}\n      ${text}`),
  ].join("\n");
}
