/** The options that say how the learning rate changes, and what they mean to the library. */

import { type FitOptions, type ScheduleName, SCHEDULES } from "../../train/mod.ts";
import type { ChosenValues } from "./chosen_values.ts";
import { beside, byChoice } from "./conditions.ts";
import { inGroup } from "./option.ts";

/** How the learning rate changes. */
export const SCHEDULE_OPTIONS = inGroup(
  "Schedule",
  {
    schedule: { kind: "text", about: "how the learning rate changes", default: "cosine", choices: SCHEDULES },
    factor: {
      kind: "number",
      about: "what step, plateau and exponential multiply the rate by",
      default: 0.1,
      minimum: 0,
      heededBy: byChoice("schedule", "step", "plateau", "exponential"),
    },
    milestones: {
      kind: "numbers",
      value: "A,B",
      about: "where step acts: fractions of the epochs up to 1, or numbers of steps",
      default: "0.5,0.75",
      minimum: 0,
      heededBy: byChoice("schedule", "step"),
    },
    patience: {
      kind: "integer",
      about: "epochs without improvement before plateau acts",
      default: 5,
      minimum: 0,
      heededBy: byChoice("schedule", "plateau"),
    },
    threshold: {
      kind: "number",
      about: "relative improvement that plateau counts",
      default: 1e-4,
      minimum: 0,
      heededBy: byChoice("schedule", "plateau"),
    },
    cooldown: {
      kind: "integer",
      about: "epochs after a reduction that plateau ignores",
      default: 0,
      minimum: 0,
      heededBy: byChoice("schedule", "plateau"),
    },
    monitor: {
      kind: "text",
      about: "what plateau watches in validation",
      default: "loss",
      choices: ["loss", "error"],
      heededBy: byChoice("schedule", "plateau"),
    },
    "min-lr": {
      kind: "number",
      about: "the rate at which plateau and cosine stop falling",
      default: 0,
      minimum: 0,
      heededBy: byChoice("schedule", "plateau", "cosine"),
    },
    warmup: {
      kind: "number",
      about:
        "epochs, or parts of one, in which the rate rises from 0; defaults to a twentieth of them, or 0 with --schedule",
      minimum: 0,
    },
    "warmup-until": {
      kind: "number",
      value: "ERROR",
      about: "train at --warmup-lr until the training error is below this share (0.8 for ResNet-110)",
      minimum: 0,
    },
    "warmup-lr": {
      kind: "number",
      about: "the rate of --warmup-until; defaults to a tenth of --lr",
      minimum: 0,
      heededBy: beside("warmup-until", "it is the rate of --warmup-until, which is not given"),
    },
  } as const,
);

/** The schedule, as the library takes it. */
export function scheduleOptions(
  values: ChosenValues,
  stepsPerEpoch: number,
): Partial<FitOptions> {
  return {
    schedule: values.schedule as ScheduleName,
    factor: values.factor,
    milestones: values.milestones,
    patience: values.patience,
    threshold: values.threshold,
    cooldown: values.cooldown,
    monitor: values.monitor as "loss" | "error",
    minimum: values["min-lr"],
    warmupSteps: Math.round(values.warmup * stepsPerEpoch),
    warmupError: values["warmup-until"],
    warmupRate: values["warmup-lr"],
  };
}
