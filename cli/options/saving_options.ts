/** The options that say where a run is kept, when its checkpoints are saved, and how it goes on. */

import type { CheckpointOptions } from "../../train/mod.ts";
import { inGroup, type Values } from "./option.ts";

/** Where a run is kept, and when its checkpoints are saved. */
export const SAVING_OPTIONS = inGroup(
  "Saving and resuming",
  {
    resume: {
      kind: "text",
      value: "RUN",
      about: "go on with a run, as its config.json says; --epochs or --steps may extend it, --data may have moved",
      ofOneRun: true,
      ofOneInvocation: true,
    },
    out: {
      kind: "text",
      value: "RUN",
      about: "the run folder; defaults to runs/DATE-TIME",
      startsRun: true,
      ofOneRun: true,
    },
    "checkpoint-minutes": {
      kind: "number",
      about: "minutes between checkpoints in an epoch",
      default: 5,
      minimum: 0,
      mayChangeOnResume: true,
    },
    "checkpoint-steps": {
      kind: "integer",
      about: "steps between checkpoints in an epoch, too",
      minimum: 1,
      mayChangeOnResume: true,
    },
    "stop-after": {
      kind: "integer",
      about: "save and stop after N epochs of the run, as an interruption does; --resume goes on",
      minimum: 1,
      ofOneInvocation: true,
    },
    keep: {
      kind: "integer",
      about: "keep the checkpoints of the last N epochs too",
      default: 0,
      minimum: 0,
      mayChangeOnResume: true,
    },
  } as const,
);

/** When checkpoints are saved, as the library takes it. */
export function checkpointOptions(values: Values<typeof SAVING_OPTIONS>): CheckpointOptions {
  return { minutes: values["checkpoint-minutes"], steps: values["checkpoint-steps"], keep: values.keep };
}
