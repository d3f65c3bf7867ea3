/** The option --tune: which kernels run on WebGPU. */

import {
  type Backend,
  DataError,
  type DeviceProfile,
  didYouMean,
  formatHash,
  hashText,
  type KernelTable,
  parseKernelTable,
  type TuneComparison,
  type TuneOptions,
  type Tuner,
  TuningTable,
  UsageError,
} from "../../core/mod.ts";
import { explain, MOST_BYTES, readTextSync } from "../../files/mod.ts";
import { TuneLine } from "../reports/progress.ts";
import { installedDrivers, TuningFile } from "./tuning_file.ts";
import { PROGRAM } from "../program.ts";

/** The option. */
export const TUNE_OPTION = {
  kind: "text",
  group: "Device",
  value: "off|cache|full|FILE",
  about:
    "kernels on WebGPU: off takes those expected to be fast, cache those timed before, full times the others first, " +
    "FILE takes what `tune --export` or `tune --table` wrote",
  default: "off",
} as const;

const MODES = ["off", "cache", "full"];

/** How a command wants to hear of the timing. */
export interface TuneReport {
  /** Whether a line shows the progress on a terminal. */
  readonly progress: boolean;
  /** Ends the timing. */
  readonly signal?: AbortSignal;
  /** As {@link TuneOptions.until}. */
  readonly until?: number;
  /** Is told how a program as a whole compared. Defaults to a line on a terminal. */
  readonly verified?: (text: string) => void;
}

/** What an adapter's choices hold for: the adapter, the runtime, and the drivers that are installed. */
function identityOf({ identity }: Tuner): string {
  const drivers = installedDrivers();
  return drivers === "" ? identity : `${identity}; drivers ${formatHash(hashText(drivers))}`;
}

function warn(message: string): void {
  console.error(`warning: ${message}`);
}

/** The choices that are kept on this machine for an adapter, in the user's cache folder or another. */
export function openTuningFile(tuner: Tuner, folder?: string): TuningFile {
  return new TuningFile(identityOf(tuner), { folder, warn });
}

/**
 * Reads choices that were written by `tune --export`. Those of another adapter are taken too, with a warning: they are right
 * there, and maybe not the fastest.
 *
 * @throws {DataError} If there is no such file, or it is something else.
 */
export function readTuning(path: string, tuner: Tuner): TuningTable {
  return parseTuning(readText(path), path, tuner);
}

function readText(path: string): string {
  try {
    return readTextSync(path, "the file of --tune", MOST_BYTES.tuning);
  } catch (error) {
    throw explain("the file of --tune", path, error);
  }
}

function parseTuning(text: string, path: string, { identity }: Tuner): TuningTable {
  let table: TuningTable;
  try {
    table = TuningTable.parse(text, path);
  } catch (error) {
    throw new DataError(`${(error as DataError).message}, as \`${PROGRAM} tune --export\` writes it`);
  }
  const [theirs, ours] = [table.adapter, identity].map((id) => id.split(";")[0]);
  if (theirs !== ours) warn(`${path} was made for ${theirs}, but this adapter is ${ours}`);
  return table;
}

/** What a file says: choices by exact shapes, or a table for devices of a kind. */
function readEither(path: string, { tuner, profile }: TunedBackend): Pick<TuneOptions, "store" | "tables"> {
  const text = readText(path);
  let table: KernelTable;
  try {
    table = parseKernelTable(text, path);
  } catch {
    return { store: parseTuning(text, path, tuner) };
  }
  const { name, architecture, vendor } = profile ?? { name: "", architecture: "", vendor: "" };
  if (![name, architecture, vendor, "default"].includes(table.device)) {
    warn(`${path} is for ${table.device}, but this adapter is ${name}; its kernels are not taken`);
  }
  return { store: new TuningTable(tuner.identity), tables: [table] };
}

/** A backend that chooses kernels, with the device that they are chosen for. */
type TunedBackend = { readonly tuner: Tuner; readonly profile?: DeviceProfile };

/** How a program compared, in a sentence. */
export function formatComparison({ before, after, kept }: TuneComparison): string {
  const milliseconds = (seconds: number) => `${(1000 * seconds).toPrecision(3)} ms`;
  return `A step takes ${milliseconds(after)} with the timed kernels and ${milliseconds(before)} without: they are ` +
    `${kept ? "kept" : "not taken"}`;
}

/**
 * What the library is told.
 *
 * @param tune The option's value.
 * @returns Nothing for off, or on a backend that has nothing to choose.
 * @throws {UsageError} If the value is neither a mode nor a file.
 * @throws {DataError} If the file cannot be read, or is something else.
 */
export function tuneOptions(tune: string, backend: Backend, report: TuneReport): TuneOptions | undefined {
  checkTune(tune);
  const { tuner } = backend;
  if (tune === "off" || tuner === undefined) return undefined;
  if (!MODES.includes(tune)) {
    const { profile } = backend as { readonly profile?: DeviceProfile };
    return { ...readEither(tune, { tuner, profile }), measure: false };
  }
  const line = new TuneLine(report.progress, report.until);
  return {
    store: openTuningFile(tuner),
    measure: tune === "full",
    progress: (done, total, what) => line.update(done, total, what),
    warn(message) {
      line.clear();
      warn(message);
    },
    verified: (comparison) => (report.verified ?? ((text) => line.say(text)))(formatComparison(comparison)),
    signal: report.signal,
    until: report.until,
  };
}

/**
 * Checks the option's value before anything is opened.
 *
 * @throws {UsageError} If it is neither a mode nor the name of what is there.
 */
export function checkTune(tune: string): void {
  if (MODES.includes(tune)) return;
  try {
    Deno.statSync(tune);
  } catch {
    throw new UsageError(
      `--tune: expected off, cache, full or a file, but there is no "${tune}"${didYouMean(tune, MODES)}`,
    );
  }
}
