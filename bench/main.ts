/** Times a network on a backend, each op of its training step, or WebGPU's overheads: `deno task bench`. See bench/README.md. */

import { defineCommand, exitCodeOf } from "../cli/command.ts";
import { MODEL_OPTION } from "../cli/options/shared_options.ts";
import { checkTune, TUNE_OPTION, tuneOptions } from "../cli/tuning/tune_option.ts";
import { type Backend, median, openBackend, type TuneOptions, UsageError, type WebGpuBackend } from "../core/mod.ts";
import { compileInference } from "../inference/mod.ts";
import { Trainer } from "../train/mod.ts";
import { randomBatch } from "./_work.ts";
import { type QueuedWork, timeRun, timeTurn } from "./gpu/burst.ts";
import { queuedSteps } from "./gpu/queued_steps.ts";
import { checkRecord, type Figure, HISTORY, RECORD_OPTIONS, recordRun, withoutRecord } from "./history.ts";
import { profileOps } from "./ops.ts";
import { measureOverhead } from "./overhead.ts";
import { measureStart } from "./start.ts";

const DEFAULT_BATCH = 128;
/** Timed rounds, and runs on the CPU before them. */
const ROUNDS = 5, WARM_UP = 2;
/** Seconds of a round on WebGPU, many times what the wait at its end takes. */
const TURN_SECONDS = 0.3;

const command = defineCommand({
  name: "bench",
  about: "Time a training step and an inference of a network.",
  positionals: {
    value: "[cpu|webgpu] [BATCH]",
    about: `where, by default cpu, or webgpu with --ops; and the images in a batch, by default ${DEFAULT_BATCH}`,
  },
  options: {
    model: { ...MODEL_OPTION, default: "resnet20" },
    tune: TUNE_OPTION,
    ops: { kind: "flag", about: "time each op of a training step instead", default: false },
    inference: { kind: "flag", about: "with --ops: those of an inference", default: false },
    trace: { kind: "text", value: "FILE", about: "with --ops: also write a trace for https://ui.perfetto.dev" },
    start: { kind: "flag", about: "time the start of a ResNet-20's run instead, up to its first step", default: false },
    data: { kind: "text", value: "shapes|DIR", about: "with --start: what it trains on", default: "shapes" },
    overhead: {
      kind: "flag",
      about: "time instead what WebGPU costs beside kernels: submits, dispatches, writes, reads",
      default: false,
    },
    ...RECORD_OPTIONS,
  },
  examples: [
    ["", "on the CPU at batch 128"],
    ["webgpu 32", "on WebGPU at batch 32"],
    ["webgpu --tune full", "with the kernels that are fastest on this adapter"],
    ["--ops 32", "where a step on WebGPU spends its time"],
    ["--ops cpu 8 --model mobilenet_v2 --trace step.json", "the same of another network on the CPU, with a trace"],
    ["--ops 1 --model mobilenet_v2 --inference", "where a prediction on WebGPU spends its time"],
    ["--start webgpu", "how long a run on WebGPU takes until its first step"],
    ["webgpu 32 --record", "the same as the second, kept in the history of figures"],
    ["--overhead", "what a dispatch, a submit and a readback cost"],
  ],
}, async ({ model, tune, ops, inference, trace, start, data, overhead, record, note }, { positionals, given }) => {
  if (overhead) {
    const useless = Object.keys(given).find((name) => name !== "overhead");
    if (useless !== undefined) throw new UsageError(`--overhead and --${useless} exclude each other`);
    if (positionals.length > 0) throw new UsageError(`Unexpected argument "${positionals[0]}"; --overhead takes none`);
    return await withBackend("webgpu", (backend) => measureOverhead(backend as WebGpuBackend));
  }
  checkTune(tune);
  checkRecord({ record, note });
  const other = ops ? "ops" : start ? "start" : undefined;
  if (record && other !== undefined) throw new UsageError(`--${other} and --record exclude each other`);
  if (trace !== undefined && !ops) throw new UsageError("--trace: expected --ops too");
  if (inference && !ops) throw new UsageError("--inference: expected --ops too");
  if ("data" in given && !start) throw new UsageError("--data: expected --start too");
  const { choice, batch } = workOf(positionals, ops ? "webgpu" : "cpu");
  if (start) {
    if (ops || "model" in given) throw new UsageError(`--start and --${ops ? "ops" : "model"} exclude each other`);
    return await measureStart({ backend: choice, batch, data, tune });
  }
  // Before a backend opens, so that a wrong name is all that is heard of.
  const work = randomBatch(model, batch);
  await withBackend(choice, async (backend) => {
    const chosen = tuneOptions(tune, backend, { progress: true });
    if (ops) return await profileOps(backend, work, batch, { trace, inference, tune: chosen });
    const figures = await timeSteps(backend, work, batch, chosen), args = withoutRecord(Deno.args);
    if (!record) return;
    await recordRun({ benchmark: "bench", arguments: args, device: backend.description, figures }, note);
    console.log(`recorded in ${HISTORY}`);
  });
});

/** Where to run, and the images in a batch. */
function workOf(positionals: readonly string[], usual: "cpu" | "webgpu"): {
  readonly choice: "cpu" | "webgpu";
  readonly batch: number;
} {
  const [first] = positionals, named = first === "cpu" || first === "webgpu";
  const rest = named ? positionals.slice(1) : positionals, [text = String(DEFAULT_BATCH), ...more] = rest;
  const batch = text.trim() === "" ? NaN : Number(text);
  if (more.length === 0 && Number.isSafeInteger(batch) && batch >= 1) {
    return { choice: named ? first : usual, batch };
  }
  throw new UsageError(
    `Expected cpu or webgpu, then a batch of at least 1, but "${positionals.join(" ")}" came; see bench --help`,
  );
}

async function withBackend(choice: "cpu" | "webgpu", run: (backend: Backend) => Promise<void>): Promise<void> {
  const backend = await openBackend(choice);
  try {
    await run(backend);
  } finally {
    backend.destroy();
  }
}

/** The median of some bursts, in seconds of a run. On the CPU, where nothing is queued, each run is timed by itself. */
async function medianSeconds(backend: Backend, work: QueuedWork): Promise<number> {
  const seconds: number[] = [];
  if (backend.stepsInFlight > 1) {
    const usual = await timeRun(work);
    for (let round = 0; round < ROUNDS; round++) seconds.push((await timeTurn(work, usual, TURN_SECONDS)).clock);
    return median(seconds);
  }
  for (let run = 0; run < WARM_UP + ROUNDS; run++) {
    const started = performance.now();
    await work.queue();
    await work.finish();
    seconds.push((performance.now() - started) / 1000);
  }
  return median(seconds.slice(WARM_UP));
}

async function timeSteps(
  backend: Backend,
  { model, images, labels }: ReturnType<typeof randomBatch>,
  batch: number,
  tune?: TuneOptions,
): Promise<Figure[]> {
  const trainer = await Trainer.create({ model, backend, batch, tune });
  const inference = await compileInference(model, backend, batch, trainer.variables, { tune });
  const steps = queuedSteps(backend, trainer, () => trainer.step({ images, labels }, 0.1));
  const step = await medianSeconds(backend, steps);
  inference.write("image", images);
  const pass = await medianSeconds(backend, { queue: () => inference.run(), finish: () => backend.finish() });
  console.log(`${backend.description}, ${model.name}, batch ${batch}, median of ${ROUNDS}`);
  console.log(`training  ${(batch / step).toFixed(1)} images/s, ${trainer.program.dispatches} kernel calls a step`);
  console.log(`inference ${(batch / pass).toFixed(1)} images/s, ${inference.dispatches} kernel calls`);
  return [
    { name: "training", value: batch / step, unit: "images/s" },
    { name: "inference", value: batch / pass, unit: "images/s" },
    { name: "kernel calls of a step", value: trainer.program.dispatches, unit: "calls" },
    { name: "kernel calls of an inference", value: inference.dispatches, unit: "calls" },
  ];
}

Deno.exit(await exitCodeOf(() => command.run(Deno.args)));
