/** A run knows its data: its `config.json` says where they are. */

import { objectField, optionalField, UsageError } from "../../core/mod.ts";
import { expectContent, splitPath, withoutSeparators } from "../../files/mod.ts";
import { DATA_OPTIONS } from "./image_options.ts";
import type { GivenOptions, OptionTable, Values } from "./option.ts";
import { optionField } from "./option_field.ts";
import { resolveOptions } from "./parse_options.ts";
import { readRunConfig } from "./resume.ts";

/** The options of the data, and whether they are those that the run was trained on. */
export interface RunData<V> {
  /** The values, `data` among them. */
  readonly values: V & { readonly data: string };
  /** Whether the network was trained on these data, as far as can be told. */
  readonly own: boolean;
}

/**
 * Takes the options of the data from a run, as far as they are not given.
 *
 * @param table The command's options.
 * @param given Those that were given.
 * @param checkpoint The run folder, or a file in it.
 * @throws {UsageError} If neither the options nor a run say which data, or the run's are not there any more.
 */
export async function withRunData<T extends OptionTable>(
  table: T,
  given: GivenOptions,
  checkpoint: string,
): Promise<RunData<Values<T>>> {
  const folder = await runFolder(checkpoint), config = folder === undefined ? {} : await readRunConfig(folder);
  const { data } = config as { readonly data?: unknown };
  // Of a run alone: other programs have a config.json too.
  if (typeof data === "string") expectDataOptions(config, `${folder}/config.json`);
  if ((given.list ?? given["train-list"]) !== undefined) return await withTables(table, given, config);
  if (given.data !== undefined) {
    const own = typeof data === "string" && await isSame(given.data as string, data);
    return { values: resolved(table, given, own ? config : {}), own };
  }
  if (typeof data !== "string") {
    throw new UsageError(`--data: expected a folder or shapes, since ${checkpoint} is in no run that says its data`);
  }
  if (data !== "shapes" && await Deno.stat(data).catch(() => undefined) === undefined) {
    throw new UsageError(
      `${folder}/config.json: the run was trained on ${data}, which is not there; say where the data are with --data`,
    );
  }
  return { values: resolved(table, given, config), own: true };
}

/** Tables that are given: their paths are in the folder of the run's, if that was trained on a table in one. */
async function withTables<T extends OptionTable>(
  table: T,
  given: GivenOptions,
  config: Readonly<Record<string, unknown>>,
): Promise<RunData<Values<T>>> {
  const { "train-list": list, data, ...others } = config, columns = others["list-columns"];
  const known = typeof list === "string" ? { data, "list-columns": columns } : {};
  const own = typeof list === "string" && await isSame(String(given["train-list"]), list);
  // What the library draws is no folder of tables.
  return { values: resolved(table, { data: "shapes", ...known, ...given } as GivenOptions, {}), own };
}

function resolved<T extends OptionTable>(table: T, given: GivenOptions, config: Readonly<Record<string, unknown>>) {
  const known = Object.entries(config).filter(([name]) => name in DATA_OPTIONS);
  return resolveOptions(table, given, Object.fromEntries(known)) as Values<T> & { readonly data: string };
}

/**
 * The options of the data that a run was trained on.
 *
 * @param config Its `config.json`.
 * @param run The run folder, for messages.
 * @param data Where the data are now. Defaults to where they were.
 * @throws {DataError} If the file says something that no option takes.
 */
export function ownData(
  config: Readonly<Record<string, unknown>>,
  run: string,
  data?: string,
): Values<typeof DATA_OPTIONS> {
  expectDataOptions(config, `${run}/config.json`);
  const known = Object.entries(config).filter(([name]) => name in DATA_OPTIONS);
  return resolveOptions(DATA_OPTIONS, data === undefined ? {} : { data }, Object.fromEntries(known));
}

function expectDataOptions(config: Readonly<Record<string, unknown>>, path: string): void {
  const entries = Object.entries(DATA_OPTIONS).map(([name, option]) => [name, optionalField(optionField(option))]);
  expectContent(path, config, objectField(Object.fromEntries(entries)), "put back what the run was trained with");
}

/** The run that a path is, or is in, if there is one. */
export async function runFolder(path: string): Promise<string | undefined> {
  const isFolder = (await Deno.stat(path).catch(() => undefined))?.isDirectory === true;
  const folder = isFolder ? withoutSeparators(path) : splitPath(path).folder;
  return await Deno.stat(`${folder}/config.json`).then(() => folder, () => undefined);
}

async function isSame(one: string, other: string): Promise<boolean> {
  if (one === other) return true;
  const [a, b] = await Promise.all([one, other].map((path) => Deno.realPath(path).catch(() => undefined)));
  return a !== undefined && a === b;
}
