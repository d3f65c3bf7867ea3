/** Times ResNet-20 on a backend, or each op of its training step on WebGPU: `deno task bench`. See bench/README.md. */

import { defineCommand, exitCodeOf } from "../cli/command.ts";
import { checkTune, TUNE_OPTION, tuneOptions } from "../cli/tune_option.ts";
import { type Backend, openBackend, Random, UsageError } from "../core/mod.ts";
import { compileInference, Trainer } from "../train/mod.ts";
import { resnetBatch } from "./_work.ts";
import { profileOps } from "./ops.ts";
import { measureStart } from "./start.ts";

const command = defineCommand({
  name: "bench",
  about: "Time a training step and an inference of ResNet-20.",
  positionals: {
    value: "[cpu|webgpu] [BATCH]",
    about: "where, cpu unless given, and images in a batch, 128 unless given",
  },
  options: {
    tune: TUNE_OPTION,
    ops: { kind: "flag", about: "time each op of a training step instead, on WebGPU", default: false },
    start: { kind: "flag", about: "time the start of a training run instead, up to its first step", default: false },
    data: { kind: "text", value: "shapes|DIR", about: "with --start: what it trains on", default: "shapes" },
  },
  examples: [
    ["", "on the CPU at batch 128"],
    ["webgpu 32", "on WebGPU at batch 32"],
    ["webgpu --tune full", "with the kernels that are fastest on this adapter"],
    ["--ops 32", "where a step on WebGPU spends its time"],
    ["--start webgpu", "how long a run on WebGPU takes until its first step"],
  ],
}, async ({ ops, tune, start, data }, { positionals, given }) => {
  checkTune(tune);
  if (ops) return await profileOps(batchSize(positionals), tune);
  const [choice = "cpu", ...rest] = positionals;
  if (choice !== "cpu" && choice !== "webgpu") throw new UsageError(`Expected cpu or webgpu but "${choice}" came`);
  const batch = batchSize(rest);
  if ("data" in given && !start) throw new UsageError("--data: expected --start too");
  if (start) return await measureStart({ backend: choice, batch, data, tune });
  const backend = await openBackend(choice);
  try {
    await timeSteps(backend, batch, tune);
  } finally {
    backend.destroy();
  }
});

function batchSize([text = "128", ...more]: readonly string[]): number {
  const batch = Number(text);
  if (more.length === 0 && Number.isSafeInteger(batch) && batch >= 1) return batch;
  throw new UsageError(`Expected one batch of at least 1 but "${[text, ...more].join(" ")}" came; see bench --help`);
}

async function timeSteps(backend: Backend, batch: number, choice: string): Promise<void> {
  const { model, images, labels } = resnetBatch(batch, new Random(0, "bench"));
  const tune = tuneOptions(choice, backend, { progress: true });
  const trainer = await Trainer.create({ model, backend, batch, tune });
  const inference = await compileInference(model, backend, batch, trainer.variables, { tune });
  /** The median of five runs, in seconds, after two. */
  const median = async (run: () => void) => {
    const seconds: number[] = [];
    for (let k = 0; k < 7; k++) {
      const started = performance.now();
      run();
      await backend.finish();
      seconds.push((performance.now() - started) / 1000);
      await trainer.results();
    }
    return seconds.slice(2).sort((a, b) => a - b)[2];
  };
  const step = await median(() => trainer.step(images, labels, 0.1));
  inference.write("image", images);
  const pass = await median(() => inference.run());
  console.log(`${backend.description}, ResNet-20, batch ${batch}, median of 5`);
  console.log(`training  ${(batch / step).toFixed(1)} images/s, ${trainer.program.dispatches} kernel calls a step`);
  console.log(`inference ${(batch / pass).toFixed(1)} images/s, ${inference.dispatches} kernel calls`);
}

Deno.exit(await exitCodeOf(() => command.run(Deno.args)));
