/** The option --tune: which kernels run on WebGPU. */

import {
  type Backend,
  DataError,
  didYouMean,
  formatHash,
  hashText,
  type TuneOptions,
  type Tuner,
  TuningTable,
  UsageError,
} from "../../core/mod.ts";
import { explain } from "../files/disk_error.ts";
import { TuneLine } from "../reports/progress.ts";
import { installedDrivers, TuningFile } from "./tuning_file.ts";

/** The option. */
export const TUNE_OPTION = {
  kind: "text",
  value: "off|cache|full|FILE",
  about:
    "kernels on WebGPU: off takes those expected to be fast, cache those timed before, full times the others first, " +
    "FILE takes what `tune --export` wrote",
  default: "off",
} as const;

const MODES = ["off", "cache", "full"];

/** How a command wants to hear of the timing. */
export interface TuneReport {
  /** Whether a line shows the progress on a terminal. */
  readonly progress: boolean;
  /** Ends the timing. */
  readonly signal?: AbortSignal;
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
export function readTuning(path: string, { identity }: Tuner): TuningTable {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw explain("the file of --tune", path, error);
  }
  const table = parseTuning(text, path), [theirs, ours] = [table.adapter, identity].map((id) => id.split(";")[0]);
  if (theirs !== ours) warn(`${path} was made for ${theirs}, but this adapter is ${ours}`);
  return table;
}

function parseTuning(text: string, path: string): TuningTable {
  try {
    return TuningTable.parse(text, path);
  } catch (error) {
    throw new DataError(`${(error as DataError).message}, as \`deno task tune --export\` writes it`);
  }
}

/**
 * What the library is told.
 *
 * @param tune The option's value.
 * @returns Nothing for off, or on a backend that has nothing to choose.
 * @throws {UsageError} If the value is neither a mode nor a file.
 * @throws {DataError} If the file cannot be read, or is something else.
 */
export function tuneOptions(tune: string, { tuner }: Backend, report: TuneReport): TuneOptions | undefined {
  checkTune(tune);
  if (tune === "off" || tuner === undefined) return undefined;
  if (!MODES.includes(tune)) return { store: readTuning(tune, tuner), measure: false };
  const line = new TuneLine(report.progress);
  return {
    store: openTuningFile(tuner),
    measure: tune === "full",
    progress: (done, total, what) => line.update(done, total, what),
    warn(message) {
      line.clear();
      warn(message);
    },
    signal: report.signal,
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
