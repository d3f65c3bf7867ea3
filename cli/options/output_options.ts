/** The options that say what is shown of a run. */

import { inGroup } from "./option.ts";

/** What is shown of a run. */
export const OUTPUT_OPTIONS = inGroup(
  "Output",
  {
    profile: {
      kind: "flag",
      about:
        "time the kernels of a few early steps: prints a table, and writes profile.json for ui.perfetto.dev to RUN",
      default: false,
      ofOneInvocation: true,
    },
    progress: {
      kind: "flag",
      about: "show on a terminal how far the run is",
      default: true,
      mayChangeOnResume: true,
      ofOneRun: true,
    },
    plain: {
      kind: "flag",
      about: "show a line of progress in place of the live view, which needs 80 columns and 16 rows",
      default: false,
      ofOneRun: true,
      ofOneInvocation: true,
    },
    json: {
      kind: "flag",
      about: "print each epoch as a line of JSON",
      default: false,
      ofOneRun: true,
      ofOneInvocation: true,
    },
  } as const,
);
