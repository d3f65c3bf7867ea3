/** All that the page may ask of a run. */

import type { RunDetail } from "../handler.ts";
import { CURVE_DETAILS } from "./curves.ts";
import { explanationDetails, RunExplainer } from "./explanations.ts";
import { imageDetails, RunImages } from "./images.ts";
import { logDetails } from "./logs.ts";
import { networkDetails } from "./network.ts";
import { RunFiles } from "./run_files.ts";
import { openAnswers, validationDetails } from "./validation.ts";
import { openWeights, weightDetails } from "./weights.ts";

/** The details of runs, and what they hold until it is given back. */
export class RunDetails implements Disposable {
  /** The details by the path at which they are asked for. */
  readonly byPath: Readonly<Record<string, RunDetail>>;
  readonly #explainer: RunExplainer;

  /** @param root The folder of runs, as the system names it. */
  constructor(root: string) {
    const files = new RunFiles(root), weights = openWeights(files), answers = openAnswers(files);
    const images = new RunImages(files, answers);
    this.#explainer = new RunExplainer(weights, images);
    this.byPath = {
      ...CURVE_DETAILS,
      ...validationDetails(answers),
      ...imageDetails(images, weights),
      ...weightDetails(weights),
      ...explanationDetails(this.#explainer),
      ...networkDetails(weights),
      ...logDetails(files),
    };
  }

  /** Gives memory and threads back. */
  [Symbol.dispose](): void {
    this.#explainer[Symbol.dispose]();
  }
}
