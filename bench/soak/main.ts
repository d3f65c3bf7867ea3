/**
 * Trains for very many steps as a user does, on image files that workers prepare, and watches that nothing slows down and
 * nothing grows: `deno task soak`. See docs/reliability.md.
 */

import { fileURLToPath } from "node:url";
import { defineCommand, exitCodeOf } from "../../cli/command.ts";
import { formatDuration, formatRate } from "../../cli/reports/format.ts";
import { DeviceError } from "../../core/mod.ts";
import { writeJpegs } from "../_jpegs.ts";
import { BenchProgress } from "../cpu/progress.ts";
import type { Sample } from "./figures.ts";
import { reportTenths, residentMemory, STEADY_HEAP } from "./report.ts";

/** The image files, and their height and width. Four of five are trained on. */
const FILES = { count: 4000, side: 64 }, VALIDATED = 0.2;
/** The steps of a run on each backend. */
const STEPS = { cpu: 50_000, webgpu: 10_000 };
const BATCH = 8, MIB = 2 ** 20;

const command = defineCommand({
  name: "soak",
  about: "Train for very many steps, and fail if the end is slower than the beginning, or takes more memory.",
  options: {
    backend: { kind: "text", about: "where it trains", default: "cpu", choices: ["cpu", "webgpu"] },
    steps: { kind: "integer", about: "steps; defaults to 50,000 on the CPU and 10,000 on WebGPU", minimum: 1000 },
    model: { kind: "text", about: "the network", default: "resnet8" },
    size: { kind: "integer", about: "height and width of the images", default: 16, minimum: 8 },
    workers: { kind: "integer", about: "threads that read image files", default: 2, minimum: 0 },
    threads: { kind: "integer", about: "threads that compute on the CPU; one a core unless given", minimum: 1 },
  },
  examples: [["", "on the CPU"], ["--backend webgpu --steps 2000", "a short one on the adapter"]],
}, async ({ backend, steps = STEPS[backend as keyof typeof STEPS], ...options }) => {
  const folder = await Deno.makeTempDir();
  try {
    const data = `${folder}/photos`;
    await writeJpegs(data, FILES);
    // deno-fmt-ignore
    const train = [
      "train", "--data", data, "--out", `${folder}/run`, "--json", "--backend", backend, "--steps", `${steps}`,
      "--model", options.model, "--size", `${options.size}`, "--batch", `${BATCH}`, "--workers", `${options.workers}`,
      "--augment", "crop+flip", "--val-fraction", `${VALIDATED}`,
      ...(options.threads === undefined ? [] : ["--threads", `${options.threads}`]),
    ];
    const samples = await watch(train, steps), { images, seconds } = samples.at(-1)!;
    console.log(`${images / BATCH} steps of ${BATCH} images, ${samples.length} epochs, ${formatDuration(seconds)}`);
    reportTenths(samples, "images");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Runs the command line, and takes a sample at the end of each epoch. */
async function watch(args: readonly string[], steps: number): Promise<Sample[]> {
  const root = fileURLToPath(new URL("../..", import.meta.url)), samples: Sample[] = [];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", STEADY_HEAP, "--config", `${root}deno.offline.json`, `${root}bench/soak/collected.ts`, ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text(), started = performance.now();
  let progress: BenchProgress | undefined;
  try {
    for await (const line of linesOf(child.stdout)) {
      const images = stepsOf(JSON.parse(line)) * BATCH;
      const memory = await residentMemory(child.pid);
      // After the last epoch the process may have ended.
      if (memory === 0) continue;
      samples.push({ seconds: (performance.now() - started) / 1000, images, memory });
      const [first, ...rest] = samples, { seconds } = samples.at(-1)!;
      progress ??= new BenchProgress(Math.ceil(steps * BATCH / first.images));
      progress.next();
      const rate = rest.length === 0 ? "" : `${formatRate((images - first.images) / (seconds - first.seconds))}, `;
      progress.show("epochs", `${rate}${(memory / MIB).toFixed(0)} MiB`);
    }
    const { code } = await child.status;
    if (code !== 0) throw new DeviceError(`The run ended with ${code}: ${(await errors).trim()}`);
  } finally {
    progress?.clear();
  }
  return samples;

  function stepsOf({ epoch }: { epoch: number }): number {
    const perEpoch = Math.floor(FILES.count * (1 - VALIDATED) / BATCH);
    return Math.min(steps, (epoch + 1) * perEpoch);
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

const code = await exitCodeOf(() => command.run(Deno.args));
Deno.exit(code || Deno.exitCode);
