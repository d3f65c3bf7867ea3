/** What the best network of a run said of the validation images: confusions, and the mistakes that it was surest of. */

import { type ValidatedImage, type ValidationAnswers } from "../../../train/mod.ts";
import { RunFolder } from "../../../disk/mod.ts";
import { json, RequestError } from "../answers.ts";
import type { RunDetail } from "../handler.ts";
import { wholeNumber } from "./curves.ts";
import { RunFileReader, type RunFiles } from "./run_files.ts";

/** The most images that are told of at once. */
const MOST_IMAGES = 200;
/** The most cells of a table of confusions, those of the most images. */
const MOST_CELLS = 20_000;

const NONE = "No validation.json yet: it is written with the first epoch that is the best so far";

/** Reads what the best networks of runs said. */
export type RunAnswers = RunFileReader<ValidationAnswers>;

/** What the best networks of runs said. */
export function openAnswers(files: RunFiles): RunAnswers {
  return new RunFileReader(files, {
    name: "validation.json",
    none: NONE,
    most: 4,
    async read(folder) {
      const answers = await new RunFolder(folder).readValidation();
      if (answers === undefined) throw new RequestError(404, NONE);
      return answers;
    },
  });
}

/** Counts of images by true and predicted class, without the zeros: those of the most images first. */
export function countConfusions(
  images: readonly ValidatedImage[],
): [label: number, predicted: number, count: number][] {
  const counts = new Map<string, [number, number, number]>();
  for (const { label, predicted } of images) {
    const key = `${label} ${predicted}`, cell = counts.get(key);
    if (cell === undefined) counts.set(key, [label, predicted, 1]);
    else cell[2]++;
  }
  return [...counts.values()].sort((a, b) => b[2] - a[2] || a[0] - b[0] || a[1] - b[1]);
}

/** Those of some images that the network was surest of, the surest first. */
function surest(images: readonly ValidatedImage[]): ValidatedImage[] {
  return [...images].sort((a, b) => b.probability - a.probability || a.index - b.index).slice(0, MOST_IMAGES);
}

/** The details by the path at which they are asked for. */
export function validationDetails(answers: RunAnswers): Readonly<Record<string, RunDetail>> {
  return {
    "/api/validation": async (run) => {
      const { epoch, classes, count, stride, images } = await answers.of(run);
      const confusions = countConfusions(images).slice(0, MOST_CELLS);
      const mistakes = images.filter(({ label, predicted }) => label !== predicted);
      return json({ epoch, classes, count, stride, wrong: mistakes.length, confusions, mistakes: surest(mistakes) });
    },
    "/api/confused": async (run, query) => {
      const label = wholeNumber(query.get("label")), predicted = wholeNumber(query.get("predicted"));
      const found = (await answers.of(run)).images.filter((image) =>
        image.label === label && image.predicted === predicted
      );
      return json({ count: found.length, images: surest(found) });
    },
  };
}
