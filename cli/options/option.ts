/** What an option is: parsing, checks, resuming, recipes and help read the same declaration. */

/** Judges the values that hold: nothing where they are right, else what is not, for a message. */
export type Condition = (values: Readonly<Record<string, unknown>>) => string | undefined;

/** Under which headings help shows options, in this order; those without one come first. */
export const OPTION_GROUPS = [
  "Server",
  "Data",
  "Model",
  "Training",
  "Schedule",
  "Optimiser",
  "Augmentation",
  "Saving and resuming",
  "Device",
  "Output",
] as const;

/** An option of a command: all that is to be known of it but what is done with its value. */
export interface Option {
  /** What it takes: `integer` and `number` are checked, `flag` takes nothing and can be negated by `--no-`. */
  readonly kind: "text" | "integer" | "number" | "numbers" | "flag";
  /** What help calls the value. */
  readonly value?: string;
  /** What it is for. */
  readonly about: string;
  /** Under which heading help shows it. Defaults to a list of its own, before them. */
  readonly group?: (typeof OPTION_GROUPS)[number];
  /** What holds where it is not given. */
  readonly default?: string | number | boolean;
  /** The values that it may have. */
  readonly choices?: readonly string[];
  /** Values that a shell offers to complete, beside which there are others. Defaults to none. */
  readonly suggests?: readonly string[];
  /** Words that it takes in place of a number, which is then found; `config.json` has the number. Defaults to none. */
  readonly words?: readonly string[];
  /** The least value. */
  readonly minimum?: number;
  /** What the value must be above. */
  readonly above?: number;
  /** The greatest value. */
  readonly maximum?: number;
  /** What the value must stay below. */
  readonly below?: number;
  /** When it has an effect; the message says why it has none. Defaults to always. */
  readonly heededBy?: Condition;
  /** Finds values of other options that its value excludes; the message names both. Defaults to none. */
  readonly contradicts?: Condition;
  /** The options whose values in a recipe or a resumed run do not hold where this one is given. */
  readonly replaces?: readonly string[];
  /**
   * Whether a resumed run may have another value: one that says how far, where or how visibly the run goes, and not what it
   * computes. Defaults to no, which is safe.
   */
  readonly mayChangeOnResume?: boolean;
  /** Whether it says how a run starts, so that it cannot be given with --resume. Defaults to no. */
  readonly startsRun?: boolean;
  /** Whether it belongs to one run, so that no recipe sets it. Defaults to no. */
  readonly ofOneRun?: boolean;
  /** Whether it belongs to one invocation, so that `config.json` lacks it and a resumed run has its own. Defaults to no. */
  readonly ofOneInvocation?: boolean;
}

/** The greatest values of options that several commands have: what is beyond is a slip, and would take all memory. */
export const MOST = { size: 4096, batch: 65_536, classes: 1_000_000, threads: 64 } as const;

/** A command's options by name. */
export type OptionTable = Readonly<Record<string, Option>>;

/** Puts those options of a table that have no heading under one. */
export function inGroup<T extends OptionTable>(group: (typeof OPTION_GROUPS)[number], table: T): T {
  // The types of the values do not depend on the heading.
  return Object.fromEntries(
    Object.entries(table).map(([name, option]) => [name, { group, ...option }]),
  ) as OptionTable as T;
}

type OptionValue<O extends Option> = O["kind"] extends "flag" ? boolean
  : O["kind"] extends "integer" | "number" ? number | (O extends { words: readonly (infer W)[] } ? W : never)
  : O["kind"] extends "numbers" ? readonly number[]
  : string;

/** The values that a table of options gives: those with a default are always there. */
export type Values<T extends OptionTable> =
  & { readonly [K in keyof T as T[K] extends { default: unknown } ? K : never]: OptionValue<T[K]> }
  & { readonly [K in keyof T as T[K] extends { default: unknown } ? never : K]?: OptionValue<T[K]> };

/** The options that arguments give, by name, as they were written. */
export type GivenOptions = Readonly<Record<string, string | boolean>>;
