/**
 * Tables of choices that hold on every device of a kind. A key is an op with the class of its shapes, so that one entry
 * serves all shapes that are alike; a value is a family at a version, with a configuration.
 */

import { parseJson } from "../../util/bounded_json.ts";
import { DataError } from "../../util/errors.ts";
import { customField, type FieldCheck, objectField, textField } from "../../util/fields.ts";
import type { Node } from "../../graph/graph.ts";
import type { DeviceProfile } from "./device_profile.ts";
import type { Configuration, WebGpuVariant } from "./family.ts";

/** A choice of a table. */
export interface TableEntry {
  /** The family and its version, as `direct@1`. Of another version the entry is void. */
  readonly kernel: string;
  /** The family's configuration. */
  readonly configuration: Configuration;
}

/** The choices for a device, an architecture, a vendor, or for all (`default`). */
export interface KernelTable {
  /** Which devices: a device's name, an architecture, a vendor, or `default`. */
  readonly device: string;
  /** Where the choices come from: what was measured, or how they were derived. */
  readonly source: string;
  /** The choices by {@link shapeClass}. */
  readonly choices: Readonly<Record<string, TableEntry>>;
}

/** The tables that come with the library. None was measured yet: what is not known follows the rules of the ops. */
export const SHIPPED_TABLES: readonly KernelTable[] = [];

/** A choice for some exact shapes, as far as a table needs it. */
export interface MeasuredEntry extends TableEntry {
  /** The class of the shapes. */
  readonly shapeClass: string;
  /** The seconds of a run that it saves. */
  readonly saved: number;
}

/**
 * Makes a table of choices that were timed. Where shapes of one class were given different choices, the class gets the one
 * that saves the most seconds in all of them; of equals, the first.
 */
export function kernelTable(device: string, source: string, measured: Iterable<MeasuredEntry>): KernelTable {
  const classes = new Map<string, Map<string, { readonly entry: TableEntry; readonly saved: number }>>();
  for (const { shapeClass, kernel, configuration, saved } of measured) {
    const rivals = classes.get(shapeClass) ?? new Map(), id = `${kernel} ${JSON.stringify(configuration)}`;
    rivals.set(id, { entry: { kernel, configuration }, saved: saved + (rivals.get(id)?.saved ?? 0) });
    classes.set(shapeClass, rivals);
  }
  const choices = [...classes].sort(([a], [b]) => a < b ? -1 : 1).map(([shapeClass, rivals]) => {
    const { entry } = [...rivals.values()].reduce((best, rival) => rival.saved > best.saved ? rival : best);
    return [shapeClass, entry] as const;
  });
  return { device, source, choices: Object.fromEntries(choices) };
}

/**
 * Reads what `JSON.stringify` wrote of a table.
 *
 * @param source The file, for messages.
 * @throws {DataError} If the text is something else.
 *
 * @example
 * ```ts
 * import { parseKernelTable } from "@residua/residua/core";
 * const text = '{"device":"nvidia","source":"measured","choices":{}}';
 * console.log(parseKernelTable(text, "nvidia.json").device); // nvidia
 * ```
 */
export function parseKernelTable(text: string, source: string): KernelTable {
  const expected = "expected kernels for devices of a kind, a KernelTable as JSON";
  const check = objectField({ device: textField, source: textField, choices: choicesField(tableEntryField) });
  const table = parseTable(text, source, expected, check) as KernelTable;
  return { device: table.device, source: table.source, choices: table.choices };
}

/**
 * Parses a table that was written as JSON.
 *
 * @param expected What was expected, for the message.
 * @throws {DataError} If the text is something else: which field.
 */
export function parseTable(text: string, source: string, expected: string, check: FieldCheck): unknown {
  let table: unknown;
  try {
    table = parseJson(text, source) as Partial<KernelTable>;
  } catch {
    throw new DataError(`${source}: ${expected}, but it is no JSON`);
  }
  const fault = check(table, "");
  if (fault === undefined) return table;
  throw new DataError(`${source}: ${expected}, but ${fault.replace(/^ is/, "the whole is")}`);
}

/** An object of choices by key. */
export function choicesField(choice: FieldCheck): FieldCheck {
  return (value, name) => {
    const fault = objectField({})(value, name);
    if (fault !== undefined) return fault;
    for (const [key, entry] of Object.entries(value as object)) {
      const wrong = choice(entry, `${name}.${key}`);
      if (wrong !== undefined) return wrong;
    }
  };
}

/** A choice of a table. */
export function tableEntryField(entry: unknown, name: string): string | undefined {
  if (isTableEntry(entry)) return undefined;
  return objectField({ kernel: textField, configuration: objectField({}) })(entry, name) ??
    customField("a kernel as direct@1, and a configuration of numbers, texts and flags", () => false)(entry, name);
}

/** Whether something that was read is a choice of a table. */
export function isTableEntry(entry: unknown): entry is TableEntry {
  if (typeof entry !== "object" || entry === null) return false;
  const { kernel, configuration } = entry as Partial<Record<string, unknown>>;
  return typeof kernel === "string" && /^.+@\d+$/.test(kernel) && typeof configuration === "object" &&
    configuration !== null && !Array.isArray(configuration) &&
    Object.values(configuration).every((value) => ["number", "string", "boolean"].includes(typeof value));
}

/** The largest extent that is a class of its own; kernels are often made for such, as for taps. */
const EXACT = 16;

/** The extent that stands for all that are alike: itself up to 16, then the next power of two. */
export function anchor(extent: number): number {
  return extent <= EXACT ? extent : 2 ** Math.ceil(Math.log2(extent));
}

/**
 * The op and the class of its shapes: extents are anchored, and innermost ones say whether they are whole vectors.
 *
 * @example
 * ```ts ignore
 * shapeClass(node); // conv2d(64x64x64x64|4, 64x64x3x3) {"stride":[1,1],…}
 * ```
 */
export function shapeClass({ op, inputs, attributes }: Pick<Node, "op" | "inputs" | "attributes">): string {
  const classes = inputs.map(({ dtype, shape }) => {
    const aligned = shape.length > 0 && shape[shape.length - 1] % 4 === 0 ? "|4" : "";
    return `${dtype === "f32" ? "" : `${dtype} `}${shape.map(anchor).join("x") || "scalar"}${aligned}`;
  });
  return `${op.name}(${classes.join(", ")}) ${JSON.stringify(attributes)}`;
}

/** A choice that was found, and the table's name and source. */
export interface FoundEntry extends TableEntry {
  /** The device of the table. */
  readonly device: string;
  /** The source of the table. */
  readonly source: string;
}

/** The choice for a class of shapes, of the table that is the most particular to a device. */
export function findEntry(
  tables: readonly KernelTable[],
  { name, architecture, vendor }: DeviceProfile,
  key: string,
): FoundEntry | undefined {
  for (const device of [name, architecture, vendor, "default"]) {
    for (const table of tables) {
      const entry = table.choices[key];
      if (device !== "" && table.device === device && entry !== undefined) {
        return { ...entry, device, source: table.source };
      }
    }
  }
}

/** What a table says of a variant. */
export function entryOfVariant({ family, version, configuration }: WebGpuVariant): TableEntry {
  return { kernel: `${family}@${version}`, configuration };
}

/** The number of the variant that an entry means; -1 where its version, or its configuration, is not there. */
export function variantOfEntry(variants: readonly WebGpuVariant[], { kernel, configuration }: TableEntry): number {
  return variants.findIndex((variant) =>
    entryOfVariant(variant).kernel === kernel && holds(variant.configuration, configuration)
  );
}

/** Whether a configuration has all that is wanted. */
export function holds(configuration: Configuration, wanted: Configuration): boolean {
  return Object.entries(wanted).every(([key, value]) => configuration[key] === value);
}
