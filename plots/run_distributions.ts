/** Keeps how a run's weights and gradients are distributed after each epoch, in `distributions.jsonl`. */

import type { Callback, CheckpointEvent, RunStore, StartEvent } from "../train/mod.ts";
import { type DistributionsLine, parameterDistributions, readDistributions } from "./distributions.ts";

const FILE = "distributions.jsonl";

/**
 * A listener that writes a line an epoch, before its checkpoint is saved.
 *
 * @example
 * ```ts
 * import { fit, modelByName, openBackend, shapesSet } from "@residua/residua";
 * import { RunFolder } from "@residua/residua/disk";
 * import { RunDistributions } from "@residua/residua/plots";
 * using backend = await openBackend("cpu");
 * await using folder = new RunFolder("runs/spread");
 * const set = shapesSet({ trainCount: 40, validationCount: 10 }), callbacks = [new RunDistributions(folder.store)];
 * await fit({ model: modelByName("resnet8"), backend, set, epochs: 1, batch: 20, folder, callbacks });
 * console.log((await folder.store.read("distributions.jsonl"))!.length > 1000); // true
 * ```
 */
export class RunDistributions implements Callback {
  readonly #store: Pick<RunStore, "read" | "write" | "append">;

  /**
   * Writes nothing yet.
   *
   * @param store Where the file goes.
   */
  constructor(store: Pick<RunStore, "read" | "write" | "append">) {
    this.#store = store;
  }

  /** Drops the lines that the checkpoint does not know of, and one that is not whole: the run went on, and was killed. */
  async onStart({ steps }: Pick<StartEvent, "steps">): Promise<void> {
    const bytes = await this.#store.read(FILE);
    if (bytes === undefined) return;
    const text = new TextDecoder().decode(bytes);
    const kept = readDistributions(text).filter((line) => line.steps <= steps);
    const whole = kept.map((line) => JSON.stringify(line) + "\n").join("");
    if (whole !== text) await this.#store.write(FILE, new TextEncoder().encode(whole));
  }

  /** Adds a line, where an epoch has ended. */
  async onCheckpoint({ epoch, steps, tensors }: CheckpointEvent): Promise<void> {
    if (epoch === undefined) return;
    const line: DistributionsLine = { epoch, steps, parameters: parameterDistributions(tensors) };
    await this.#store.append(FILE, JSON.stringify(line) + "\n");
  }
}
