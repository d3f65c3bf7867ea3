/** The options that say in which order images are seen, and how much each counts. */

import { type Condition, inGroup } from "./option.ts";

const balancedInOrder: Condition = ({ sample, shuffle }) =>
  sample === "balanced" && shuffle === false
    ? "--sample balanced and --no-shuffle exclude each other: drawn images have no order of the set"
    : undefined;

/** In which order images are seen, and how much each counts. */
export const SAMPLING_OPTIONS = inGroup(
  "Training",
  {
    shuffle: {
      kind: "flag",
      about:
        "visit the images in a new order each epoch; else in the order of the set, each epoch from where the last ended",
      default: true,
    },
    sample: {
      kind: "text",
      about: "an epoch is each image once, or as many drawn so that each class comes as often as any other",
      default: "each",
      choices: ["each", "balanced"],
      contradicts: balancedInOrder,
    },
    "class-weights": {
      kind: "text",
      value: "balanced|A,B,…|FILE",
      about: "the weight of each class in the training loss: by counts, numbers, or a JSON list or object by class",
    },
    "label-smoothing": {
      kind: "number",
      about: "share of the target spread over all classes",
      default: 0,
      minimum: 0,
      below: 1,
    },
  } as const,
);
