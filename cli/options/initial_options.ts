/** The options that say with which weights training starts, and which of them stay. */

import { beside } from "./conditions.ts";
import { inGroup } from "./option.ts";

/** With which weights training starts, and which of them stay. */
export const INITIAL_OPTIONS = inGroup(
  "Model",
  {
    init: {
      kind: "text",
      value: "FILE|RUN|NAME",
      about:
        "start from the weights of a safetensors or PyTorch file, a run's best, or torchvision's published ones: imagenet " +
        "for those of --model, torchvision:NETWORK.WEIGHTS; the head of other classes starts anew, one of the same in " +
        "another order is reordered",
      startsRun: true,
      ofOneRun: true,
    },
    freeze: {
      kind: "text",
      value: "PATTERN,…",
      about: "parameters that stay as they are, such as layer1.*; running statistics follow all the same",
    },
    "freeze-stats": {
      kind: "flag",
      about: "frozen batch norms normalise by their running statistics and keep them, as PyTorch's in eval()",
      default: false,
      heededBy: beside("freeze", "it is about what --freeze holds, which is not given"),
    },
    "head-epochs": {
      kind: "integer",
      about:
        "train the last layer alone at --lr for the first N epochs, then all by the schedule; defaults to 1 where " +
        "published weights get a new head, else to 0",
      minimum: 0,
    },
  } as const,
);
