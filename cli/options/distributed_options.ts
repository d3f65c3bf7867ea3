/** The options of commands that run on many machines, and what they mean. */

import { UsageError } from "../../core/mod.ts";
import type { Ranks } from "../mpi/ranks.ts";
import type { ChosenValues } from "./chosen_values.ts";
import { beside } from "./conditions.ts";
import type { Condition } from "./option.ts";
import type { RunConfig } from "./resume.ts";

const notTogether: Condition = ({ distributed, tune, profile, explain }) => {
  if (distributed !== true) return undefined;
  // Ranks whose kernels differ would round otherwise, each in its own way.
  if (tune !== undefined && tune !== "off") {
    return `--distributed and --tune ${tune} exclude each other: ranks could choose different kernels`;
  }
  if (explain !== undefined) return "--distributed and --explain exclude each other: pictures are drawn by one process";
  return profile === true
    ? "--distributed and --profile exclude each other: a profile is of one process; leave one of them away"
    : undefined;
};

/** The option --distributed. */
export const DISTRIBUTED_OPTION = {
  kind: "flag",
  group: "Device",
  about: "divide the work among the processes that mpirun or srun started, on one machine or many, by MPI",
  default: false,
  contradicts: notTogether,
  ofOneRun: true,
  ofOneInvocation: true,
} as const;

const alone = beside("distributed", "there is one process without --distributed");

const mixedTogether: Condition = (values) =>
  alone(values) ??
    (values.precision === "mixed"
      ? undefined
      : "gradients of float32 would lose what is small; give --precision mixed");

/** What training together takes beside. */
export const TOGETHER_OPTIONS = {
  "sync-bn": {
    kind: "flag",
    group: "Training",
    about: "batch norm takes its statistics of the batches of all processes, as one process with all images would",
    default: false,
    heededBy: alone,
  },
  transport: {
    kind: "text",
    group: "Training",
    about: "how gradients travel; float16 takes half of the bytes, and wants --precision mixed",
    default: "float32",
    choices: ["float32", "float16"],
    heededBy: mixedTogether,
  },
  "scale-lr": {
    kind: "flag",
    group: "Training",
    about:
      "multiply --lr by the number of processes, and rise to it in 5 epochs, or a fifth of a shorter run (Goyal et al. 2017)",
    default: false,
    heededBy: alone,
    startsRun: true,
    ofOneInvocation: true,
  },
} as const;

/** Epochs of the warm-up of Goyal et al. 2017, and the share of a run that it takes at most. */
const WARM_UP = 5, MOST_WARM_UP = 1 / 5;

/** The rate of all ranks together, and the epochs in which it is risen to, where --scale-lr asks for it. */
export function scaleRate<T extends Pick<ChosenValues, "lr" | "warmup" | "epochs">>(
  values: T,
  asked: { readonly "scale-lr": boolean; readonly warmup?: number },
  size: number,
): T {
  if (!asked["scale-lr"] || size === 1) return values;
  const warmup = asked.warmup ?? Math.min(WARM_UP, values.epochs * MOST_WARM_UP);
  // Binary fractions of rates have many digits.
  return { ...values, lr: Number((values.lr * size).toPrecision(12)), warmup };
}

/**
 * What a run that goes on has in the place of a batch that other ranks divided otherwise.
 *
 * @param config What the run was started with.
 * @param size The ranks now.
 * @returns The batch of each rank, and what to say of the change; nothing where there is none.
 * @throws {UsageError} If these ranks cannot divide the batch of all.
 */
export function resumedBatch(
  config: RunConfig,
  size: number,
): { readonly batch: number; readonly note: string } | undefined {
  const ranks = Number(config.ranks ?? 1), own = Number(config.batch);
  if (ranks === size) return undefined;
  const all = own * ranks, each = all / size;
  if (!Number.isInteger(each)) {
    throw new UsageError(
      `The run was started by ${
        countText(ranks)
      } with batches of ${own}, ${all} in all, which ${size} cannot divide; go on ` +
        `with a number of processes that divides ${all}`,
    );
  }
  const numbers = config["sync-bn"] === true
    ? "sums are rounded in another order"
    : "batch norm takes its statistics of other parts of a batch";
  const note =
    `The run had ${countText(ranks)} and has ${size} now: ${all} images a step as before, ${each} each; ${numbers}, ` +
    "so it does not go on to the bit";
  return { batch: each, note };
}

function countText(ranks: number): string {
  return ranks === 1 ? "one process" : `${ranks} processes`;
}

/**
 * Expects a training set that has an image for every place of a step.
 *
 * @throws {UsageError} If some ranks would have none.
 */
export function expectEnough(count: number, batch: number, ranks: Ranks): void {
  if (ranks === undefined || count >= batch * ranks.size) return;
  throw new UsageError(
    `${ranks.size} processes with batches of ${batch} take ${
      batch * ranks.size
    } images a step, but there are ${count} ` +
      "training images; start fewer processes, or take a smaller --batch",
  );
}
