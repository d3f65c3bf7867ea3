/** Runs beside each other: their figures, and the options in which they differ. */

import type { ConfiguredOption } from "./configured_options.ts";
import type { EpochLine } from "../../plots/mod.ts";
import type { RunReport } from "./run_report.ts";

/** The figures of a run. */
export interface ComparedRun {
  readonly run: string;
  /** The epochs that are done. */
  readonly epochs: number;
  /** The epoch of the best checkpoint; of a run of a version before that of the highest accuracy. */
  readonly best?: EpochLine;
  /** The median rate, in images a second. */
  readonly imagesPerSecond?: number;
  /** Seconds of all epochs. */
  readonly seconds: number;
}

/** An option in which runs differ. */
export interface DifferingOption {
  readonly name: string;
  /** Its value in each run; nothing where a run has none. */
  readonly values: readonly (string | undefined)[];
}

/** The figures of a run. */
export function comparedRun({ run, epochs, best, speed }: RunReport): ComparedRun {
  const highest = epochs.reduce<EpochLine | undefined>(
    (most, line) => most === undefined || line.valTop1 > most.valTop1 ? line : most,
    undefined,
  );
  const { imagesPerSecond, seconds } = speed;
  return { run, epochs: epochs.length, best: best ?? highest, imagesPerSecond, seconds };
}

/** The options that have not one value in all runs, in the order of `train`'s help, and the device where it differs. */
export function differingOptions(reports: readonly RunReport[]): DifferingOption[] {
  const maps = reports.map(({ options, environment }) =>
    new Map([
      ...options.map(({ name, value }: ConfiguredOption) => [`--${name}`, value] as const),
      ...environment.filter(([name]) => !name.startsWith("--")),
    ])
  );
  const names = new Set(maps.flatMap((map) => [...map.keys()]));
  return [...names].map((name) => ({ name, values: maps.map((map) => map.get(name)) }))
    .filter(({ values }) => new Set(values).size > 1);
}
