/** Where a run's best network saw the class that it took an image for, by Grad-CAM, when it is asked for. */

import { CpuBackend, elementCount } from "../../../core/mod.ts";
import { defaultPreprocessing, Preprocessor, toRgb } from "../../../data/mod.ts";
import { GradCam } from "../../../inference/mod.ts";
import { describedModel } from "../../../weights/mod.ts";
import { drawExplanation, pictureOf } from "../../images/explanation.ts";
import { content, RequestError } from "../answers.ts";
import type { RunDetail } from "../handler.ts";
import type { Run } from "../run.ts";
import { wholeNumber } from "./curves.ts";
import type { RunImages } from "./images.ts";
import { Recent } from "./run_files.ts";
import type { RunWeights } from "./weights.ts";

/** Explains what networks said, on one thread of the CPU, so that runs keep the others. */
export class RunExplainer implements Disposable {
  readonly #weights: RunWeights;
  readonly #images: RunImages;
  readonly #recent = new Recent<GradCam>(1, (explainer) => explainer.destroy());
  #backend: CpuBackend | undefined;

  /** Compiles nothing yet. */
  constructor(weights: RunWeights, images: RunImages) {
    this.#weights = weights;
    this.#images = images;
  }

  /**
   * Draws an image and, beside it, the same under the map of a class.
   *
   * @param index The image among those that the run was validated on.
   * @param label The class.
   * @returns A PNG.
   */
  async draw(run: Run, index: number, label: number): Promise<Uint8Array<ArrayBuffer>> {
    const image = await this.#images.read(run, index), { info, tensors, source, key } = await this.#weights.of(run);
    const model = describedModel({ classes: info.classes.length, ...info.model });
    if (label < 0 || label >= model.classes) {
      throw new RequestError(400, `class: expected a number from 0 to ${model.classes - 1}`);
    }
    const explainer = await this.#recent.get(key, () => {
      const backend = this.#backend ??= new CpuBackend();
      return GradCam.create({ model, backend, tensors, source });
    });
    const preprocessing = info.preprocessing ?? defaultPreprocessing(model.inputShape),
      isRgb = image.pixels.length === 3 * image.width * image.height;
    const rgb = isRgb ? image : toRgb(image);
    const tensor = new Float32Array(elementCount(model.inputShape));
    new Preprocessor({ preprocessing, normalisation: info.normalisation }).write(rgb, tensor);
    const map = await explainer.explain(tensor, label), picture = await pictureOf(rgb, preprocessing);
    return new Uint8Array(await drawExplanation(picture, map, `${info.classes[label]}, by Grad-CAM`));
  }

  /** Gives the memory and the threads back. */
  [Symbol.dispose](): void {
    this.#recent.clear();
    this.#backend?.destroy();
  }
}

/** The details by the path at which they are asked for. */
export function explanationDetails(explainer: RunExplainer): Readonly<Record<string, RunDetail>> {
  return {
    "/api/explain": async (run, query) => {
      const [index, label] = ["index", "class"].map((name) => wholeNumber(query.get(name)));
      return content(await explainer.draw(run, index, label), "image/png");
    },
  };
}
