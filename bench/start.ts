/** The time of a training run of ResNet-20 from the start of its process to its first step: `deno task bench --start`. */

import { median } from "../core/mod.ts";
import type { Mark } from "./start_run.ts";
import { fileURLToPath } from "node:url";

/** The measured runs, after one that fills the caches of the runtime and the driver. */
const RUNS = 5;

/** The options of the started run. */
export interface StartOptions {
  readonly backend: "cpu" | "webgpu";
  readonly batch: number;
  /** As `train --data`. */
  readonly data: string;
  /** As `train --tune`. */
  readonly tune: string;
}

/** Prints the time of each part of the start, the median of the runs. */
export async function measureStart(options: StartOptions): Promise<void> {
  await startOnce(options);
  const runs: Mark[][] = [];
  for (let run = 0; run < RUNS; run++) runs.push(await startOnce(options));
  const { backend, batch, data } = options;
  console.log(
    `ResNet-20 on ${data}, ${backend}, batch ${batch}, from the start of the process, medians of ${RUNS} runs`,
  );
  console.log("     ms  processor ms  until");
  for (const [k, { name }] of runs[0].entries()) {
    const time = median(runs.map((marks) => marks[k].time - marks[0].time));
    const processor = median(runs.map((marks) => marks[k].processor));
    if (k > 0) console.log(`${time.toFixed(0).padStart(7)}  ${processor.toFixed(0).padStart(12)}  ${name}`);
  }
}

/** The marks of a run; the first is the start of its process. */
async function startOnce({ backend, batch, data, tune }: StartOptions): Promise<Mark[]> {
  const time = performance.timeOrigin + performance.now();
  const { stdout, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", configuration(), script, backend, `${batch}`, data, tune],
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`The run that was to be timed ended with ${code}`);
  return [{ name: "start", time, processor: 0 }, ...JSON.parse(new TextDecoder().decode(stdout))];
}

const script = fileURLToPath(new URL("start_run.ts", import.meta.url));

/** The configuration that maps `@std`, which works with and without JSR. */
function configuration(): string {
  return fileURLToPath(new URL("../deno.offline.json", import.meta.url));
}
