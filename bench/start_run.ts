/**
 * A training run up to its first step, which prints the time of each mark. It is a separate program, so that the time to load
 * the library counts. `bench/start.ts` runs it with the arguments BACKEND BATCH DATA TUNE.
 */

import process from "node:process";

/** A mark of a run. */
export interface Mark {
  /** The name of the mark. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Milliseconds of processor time of all threads since the process began. */
  readonly processor: number;
}

const marks: Mark[] = [];

function mark(name: string): void {
  const { user, system } = process.cpuUsage();
  marks.push({ name, time: performance.timeOrigin + performance.now(), processor: (user + system) / 1000 });
}

if (import.meta.main) {
  mark("process");
  const [backendName, batch, data, tune] = Deno.args;
  const { openData } = await import("../cli/options/image_options.ts");
  const { tuneOptions } = await import("../cli/tuning/tune_option.ts");
  await import("../cli/commands/train.ts");
  const { openBackend } = await import("../core/mod.ts");
  const { modelByName } = await import("../models/mod.ts");
  const { fit, Trainer } = await import("../train/mod.ts");
  mark("modules");
  const set = await openData({ data, "val-fraction": 0, decode: "full", "max-bad": 0 }, { name: "resnet20" });
  mark("data");
  const backend = await openBackend(backendName as "cpu" | "webgpu");
  mark("backend");
  const { step } = Trainer.prototype;
  Trainer.prototype.step = function (...args) {
    mark("programs");
    step.apply(this, args);
    mark("step queued");
  };
  await fit({
    model: modelByName("resnet20", { classes: set.classes.length, inputShape: set.shape }),
    backend,
    set,
    epochs: 1,
    steps: 1,
    batch: Number(batch),
    tune: tuneOptions(tune, backend, { progress: false }),
    onStep() {
      mark("its loss");
      console.log(JSON.stringify(marks));
      Deno.exit();
    },
  });
}
