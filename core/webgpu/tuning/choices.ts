/** Choosing kernels by timing them: what a backend that can is asked, and where its choices are kept. */

import { customField, type FieldCheck, numberField, objectField, optionalField, textField } from "../../util/fields.ts";
import type { BackendCompileOptions, Executable } from "../../backend.ts";
import type { Node } from "../../graph/graph.ts";
import type { Configuration, WebGpuVariant } from "./family.ts";
import type { Plan } from "../../plan/plan.ts";
import { choicesField, type KernelTable, parseTable, tableEntryField } from "./tables.ts";

/** A choice that was made by timing. */
export interface TunedChoice {
  /** The variant's name. */
  readonly variant: string;
  /** A hash of the variants that it was chosen among, their texts included: among others the choice is void. */
  readonly kernels: string;
  /** The variant's family and its version, as `direct@1`. */
  readonly kernel?: string;
  /** The family's configuration. */
  readonly configuration?: Configuration;
  /** The class of the shapes, as `shapeClass` gives it: the key of a {@link KernelTable}. */
  readonly shapeClass?: string;
  /** The seconds of a run that it saves against the variant that runs untuned. */
  readonly saved?: number;
}

/** Where the choices of one adapter are kept, by op and shapes. A `Map` is one; {@link TuningTable} is one for JSON. */
export interface TunerStore {
  /** The choice for a key, if there is one. */
  get(key: string): TunedChoice | undefined;
  /** Keeps a choice. */
  set(key: string, choice: TunedChoice): unknown;
}

/** How kernels are chosen. */
export interface TuneOptions {
  /** Where choices are looked up and kept. */
  readonly store: TunerStore;
  /** Whether what the store does not know is timed. Defaults to true. */
  readonly measure?: boolean;
  /**
   * Whether a program is timed as a whole where something was timed for it: with the new choices and without them. The faster
   * one is kept. Defaults to true.
   */
  readonly verify?: boolean;
  /** Choices for devices of a kind, for what the store does not know; the store is given those that are taken. */
  readonly tables?: readonly KernelTable[];
  /** Is told before each op that is timed: how many are done, of how many, and which is next; and at the end. */
  readonly progress?: (done: number, total: number, what: string) => void;
  /** Is told of kernels that cannot be used here, and why, in a sentence each. */
  readonly warn?: (message: string) => void;
  /** Is told how a program as a whole compared. */
  readonly verified?: (comparison: TuneComparison) => void;
  /** Ends the timing; what was timed so far is kept, and the rest gets the variants that are expected to be fastest. */
  readonly signal?: AbortSignal;
  /**
   * Ends the timing of ops as {@link TuneOptions.signal} does once `performance.now()` is beyond it; the comparison of the
   * whole program follows even so. The ops that are thought to take the longest are timed first.
   */
  readonly until?: number;
}

/** A program with the choices that were timed for it, and without them. */
export interface TuneComparison {
  /** The seconds of a step with the choices that were known before; untuned, where none was. */
  readonly before: number;
  /** The seconds of a step with those that were timed now. */
  readonly after: number;
  /** Whether the new choices are kept: where the step is not slower with them. */
  readonly kept: boolean;
}

/** Picks the number of a variant for a node, as the option of `compile`. */
export type VariantChooser = (node: Node, variants: readonly WebGpuVariant[]) => number;

/** What chooses kernels by timing them, on a backend that has several for an op. */
export interface Tuner {
  /** What timings hold for: the adapter, its driver as far as the backend is told, the runtime. */
  readonly identity: string;
  /** Makes the choices of a program: those that the store knows, and those that are timed for it now. */
  choose(plan: Plan, options: TuneOptions): Promise<VariantChooser>;
  /** Makes the choices of a program, compares it as a whole as {@link TuneOptions.verify} says, and compiles it. */
  compile(plan: Plan, options: BackendCompileOptions, tune: TuneOptions): Promise<Executable>;
}

/** Choices as JSON. */
export interface TuningRecord {
  /** The format: 1. */
  readonly tuning: 1;
  /** What they hold for, as {@link Tuner.identity}. */
  readonly adapter: string;
  /** The choices by op and shapes. */
  readonly choices: Readonly<Record<string, TunedChoice>>;
}

/**
 * A store that can be written as JSON and read again, to ship choices with a program.
 *
 * @example
 * ```ts
 * import { TuningTable } from "@residua/residua";
 * const table = new TuningTable("an adapter");
 * table.set("linear(...)", { variant: "tile 4x4", kernels: "0a1b2c3d" });
 * const text = JSON.stringify(table);
 * console.log(TuningTable.parse(text, "choices.json").size); // 1
 * ```
 */
export class TuningTable implements TunerStore {
  /** What the choices hold for, as {@link Tuner.identity}. */
  readonly adapter: string;
  readonly #choices: Map<string, TunedChoice>;

  /** Starts with some choices, or none. */
  constructor(adapter: string, choices: Iterable<readonly [string, TunedChoice]> = []) {
    this.adapter = adapter;
    this.#choices = new Map(choices);
  }

  /**
   * Reads what `JSON.stringify` wrote of a table.
   *
   * @param source The file, for messages.
   * @throws {DataError} If the text is something else.
   */
  static parse(text: string, source: string): TuningTable {
    const check = objectField({
      tuning: customField("1", (value) => value === 1),
      adapter: textField,
      choices: choicesField(choiceField),
    });
    const record = parseTable(
      text,
      source,
      "expected choices of kernels, a TuningTable as JSON",
      check,
    ) as TuningRecord;
    return new TuningTable(record.adapter, Object.entries(record.choices));
  }

  /** The number of choices. */
  get size(): number {
    return this.#choices.size;
  }

  /** The choice for a key, if there is one. */
  get(key: string): TunedChoice | undefined {
    return this.#choices.get(key);
  }

  /** Keeps a choice. */
  set(key: string, choice: TunedChoice): void {
    this.#choices.set(key, choice);
  }

  /** The choices by key, in the order of the keys. */
  entries(): [string, TunedChoice][] {
    return [...this.#choices].sort(([a], [b]) => a < b ? -1 : 1);
  }

  /**
   * What `JSON.stringify` writes.
   *
   * @internal
   */
  toJSON(): TuningRecord {
    return { tuning: 1, adapter: this.adapter, choices: Object.fromEntries(this.entries()) };
  }
}

const CHOICE = objectField({
  variant: textField,
  kernels: textField,
  shapeClass: optionalField(textField),
  saved: optionalField(numberField),
});

const choiceField: FieldCheck = (choice, name) => {
  const fault = CHOICE(choice, name);
  if (fault !== undefined) return fault;
  const { kernel, configuration } = choice as Partial<TunedChoice>;
  return kernel === undefined && configuration === undefined
    ? undefined
    : tableEntryField({ kernel, configuration }, name);
};
