/** The options that say how much memory training takes. */

import { inGroup, MOST } from "./option.ts";

/** How much memory training takes, and what it does to take less. */
export const MEMORY_OPTIONS = inGroup(
  "Device",
  {
    accumulate: {
      kind: "integer",
      about:
        "parts of a batch that go through the network one by one, to save memory; batch norm sees each part alone; defaults to the fewest that fit",
      minimum: 1,
      maximum: MOST.batch,
    },
    recompute: {
      kind: "flag",
      about: "compute activations again in the backward pass: less memory, the same bits, 15 to 35 % slower",
      default: false,
      mayChangeOnResume: true,
    },
    memory: {
      kind: "number",
      value: "MIB",
      about: "the most memory to use; defaults to what there is",
      minimum: 1,
      mayChangeOnResume: true,
    },
  } as const,
);
