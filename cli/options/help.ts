/** What `--help` prints. */

import { wrapText } from "../reports/layout.ts";
import { type Option, OPTION_GROUPS, type OptionTable } from "./option.ts";
import { PROGRAM } from "../program.ts";

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

/** The most characters of an option beside its text; longer ones stand above it. */
const LONGEST_HEAD = 26;

/** A space at which no line breaks. */
const UNBROKEN = "\u00a0";

/** The least width that leaves a text room beside its option. */
const TWO_COLUMNS = 60;

/**
 * The text of `--help`: what the command does, its options under their headings with their defaults, examples.
 *
 * @param help The command.
 * @param width The characters of a line. Defaults to 80.
 */
export function formatHelp({ name, about, positionals, options, examples }: CommandHelp, width = 80): string {
  const all = Object.entries<Option>(options);
  const rowsOf = (group: Option["group"]) => all.filter(([, option]) => option.group === group).map(rowOf);
  const first = positionals === undefined ? [] : [[positionals.value, positionals.about] as const];
  const sections = [
    { title: undefined, rows: [...first, ...rowsOf(undefined)] },
    ...OPTION_GROUPS.map((group) => ({ title: group, rows: rowsOf(group) })),
  ].filter(({ rows }) => rows.length > 0);
  const heads = sections.flatMap(({ rows }) => rows.map(([head]) => head.length));
  const column = width < TWO_COLUMNS ? 6 : 4 + Math.max(...heads.filter((length) => length <= LONGEST_HEAD), 0);
  return [
    wrapText(`${PROGRAM} ${name} [options]${positionals === undefined ? "" : ` ${positionals.value}`}`, width),
    "",
    wrapText(about, width, ""),
    ...sections.flatMap(({ title, rows }) => [
      "",
      ...(title === undefined ? [] : [`${title}:`]),
      ...rows.map((row) => formatRow(row, column, width)),
    ]),
    "",
    "Examples:",
    ...examples.map(([args, text]) =>
      `${wrapCommand(`  ${PROGRAM} ${name}${args === "" ? "" : ` ${args}`}`, width)}\n${
        wrapText(`      ${text}`, width, "      ")
      }`
    ),
  ].join("\n").replaceAll(UNBROKEN, " ");
}

/** An option as it is written, and what it is for. */
function rowOf([name, option]: [string, Option]): readonly [head: string, text: string] {
  const { kind, value, about, default: standard, choices, words = [] } = option;
  const takes = kind === "flag" ? "" : ` ${value ?? (choices ?? ["N", ...words]).join("|")}`;
  const head = `--${kind === "flag" && standard === true ? `[no-]${name}` : name}${takes}`;
  if (standard === undefined || standard === false) return [head, about];
  return [head, `${about} [default:${UNBROKEN}${standard === true ? "on" : standard}]`];
}

/** An option beside its text, or above it where it is long. */
function formatRow([head, text]: readonly [string, string], column: number, width: number): string {
  const indent = " ".repeat(column), lines = wrapText(indent + text, width, indent);
  if (head.length + 4 <= column) return `  ${head}`.padEnd(column) + lines.slice(column);
  return `${wrapHead(`  ${head}`, width)}\n${lines}`;
}

/** An option with many choices, broken after a bar. */
function wrapHead(head: string, width: number): string {
  const [first, ...parts] = head.split(/(?<=\|)/), lines = [first];
  for (const part of parts) {
    if (lines.at(-1)!.length + part.length <= width) lines[lines.length - 1] += part;
    else lines.push(`      ${part}`);
  }
  return lines.join("\n");
}

/** A command that a shell still takes for one. */
function wrapCommand(command: string, width: number): string {
  const [first, ...words] = command.split(/(?<=\S) (?=--?\w)/), lines = [first];
  for (const [k, word] of words.entries()) {
    const longer = `${lines.at(-1)} ${word}`, more = k < words.length - 1 ? 2 : 0;
    if (longer.length + more <= width) lines[lines.length - 1] = longer;
    else lines.push(`      ${word}`);
  }
  return lines.join(" \\\n");
}
