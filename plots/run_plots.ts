/** Draws a run's plots after every epoch: `curves.svg` and `confusion.svg`. */

import { printable } from "../core/mod.ts";
import type { Callback, EpochEvent, RunFolder, RunStore } from "../train/mod.ts";
import { whyNotLoaded } from "../files/mod.ts";
import type { Drawings, EpochLine } from "./drawings.ts";

const CURVES = "curves.svg", CONFUSION = "confusion.svg";

/** No literal where it is imported, so that Deno fetches the packages that it needs only then. */
const PLOTS = "./plots.ts";

/**
 * Loads what draws plots, and the packages that it needs.
 *
 * @throws {Error} If they cannot be had.
 *
 * @example
 * ```ts
 * import { loadPlots } from "@residua/residua/plots";
 * const { confusionSvg } = await loadPlots();
 * console.log(confusionSvg([[3, 1], [0, 4]], ["cat", "dog"], "two classes").startsWith("<svg")); // true
 * ```
 */
export async function loadPlots(): Promise<Drawings> {
  return await import(PLOTS) as typeof import("./plots.ts");
}

/** A listener that draws. Where the packages for it cannot be had, it says so once, and the run goes on without plots. */
export class RunPlots implements Callback {
  readonly #store: RunStore;
  readonly #folder: RunFolder;
  readonly #title: string;
  readonly #classes: readonly string[];
  #lines: EpochLine[] = [];
  #failed = false;

  /**
   * Draws nothing yet.
   *
   * @param store Where the plots go.
   * @param folder The run, which knows of the epochs before this process began.
   * @param title What is trained.
   * @param classes The names of the classes.
   */
  constructor(store: RunStore, folder: RunFolder, title: string, classes: readonly string[]) {
    this.#store = store;
    this.#folder = folder;
    this.#title = title;
    this.#classes = classes.map(printable);
  }

  /** The names of the files that were drawn; none where the packages for them cannot be had. */
  get files(): readonly string[] {
    return this.#failed ? [] : [CURVES, CONFUSION];
  }

  /** Takes up the epochs that are done. */
  async onStart(): Promise<void> {
    this.#lines = (await this.#folder.readMetrics()).filter((line) => line.kind === "epoch");
  }

  /** Draws, before the epoch is saved: a run that is killed in between draws it again. */
  async onValidation({ epoch, trainLoss, trainTop1, validation, rate, seconds }: EpochEvent): Promise<void> {
    const { loss: valLoss, top1: valTop1, confusion } = validation;
    this.#lines.push({ kind: "epoch", epoch, trainLoss, trainTop1, valLoss, valTop1, lr: rate, seconds });
    const plots = await this.#plots();
    if (plots === undefined) return;
    const write = (name: string, text: string) => this.#store.write(name, new TextEncoder().encode(text));
    await write(CURVES, plots.curvesSvg(this.#lines, this.#title));
    const title = `${this.#title}, epoch ${epoch + 1}: ${(100 * valTop1).toFixed(2)} % right`;
    await write(CONFUSION, plots.confusionSvg(confusion, this.#classes, title));
  }

  async #plots(): Promise<Awaited<ReturnType<typeof loadPlots>> | undefined> {
    if (this.#failed) return undefined;
    try {
      return await loadPlots();
    } catch (error) {
      this.#failed = true;
      console.error(`warning: no plots are drawn: ${whyNotLoaded(error)}`);
    }
  }
}
