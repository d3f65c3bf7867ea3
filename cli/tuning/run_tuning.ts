/** The kernels of a training run: they are kept in its folder, so that it goes on with the same ones. */

import { type Backend, type TunedChoice, type TuneOptions, type TunerStore, TuningTable } from "../../core/mod.ts";
import type { RunStore } from "../../train/mod.ts";
import { tuneOptions, type TuneReport } from "./tune_option.ts";

/** The file of a run that holds the choices it was begun with. With the same kernels it goes on with the same bits. */
const RUN_TUNING = "tuning.json";

/** The choices of a training run. */
export class RunTuning implements TunerStore {
  /** What the library is told; nothing where nothing is chosen. */
  readonly options: TuneOptions | undefined;
  readonly #base: TuneOptions | undefined;
  readonly #used: TuningTable;

  private constructor(base: TuneOptions | undefined, adapter: string) {
    this.#base = base;
    this.#used = new TuningTable(adapter);
    this.options = base && { ...base, store: this };
  }

  /**
   * The choices of a run that begins, or those with which one that goes on was begun.
   *
   * @param store The run folder.
   * @throws {DataError} If the run's file is damaged.
   */
  static async open(tune: string, backend: Backend, store: RunStore, report: TuneReport): Promise<RunTuning> {
    const bytes = tune === "off" ? undefined : await store.read(RUN_TUNING), adapter = backend.tuner?.identity ?? "";
    if (bytes === undefined) return new RunTuning(tuneOptions(tune, backend, report), adapter);
    const table = TuningTable.parse(new TextDecoder().decode(bytes), RUN_TUNING);
    return new RunTuning(backend.tuner && { store: table, measure: false }, adapter);
  }

  /** The choice for a key, if there is one. */
  get(key: string): TunedChoice | undefined {
    const choice = this.#base!.store.get(key);
    if (choice !== undefined) this.#used.set(key, choice);
    return choice;
  }

  /** Keeps a choice. */
  set(key: string, choice: TunedChoice): void {
    this.#base!.store.set(key, choice);
    this.#used.set(key, choice);
  }

  /** Writes what was used to the run folder, unless the timing was ended before all was chosen. */
  async save(store: RunStore): Promise<void> {
    if (this.options === undefined || this.options.signal?.aborted) return;
    await store.write(RUN_TUNING, new TextEncoder().encode(JSON.stringify(this.#used, null, 1)));
  }
}
