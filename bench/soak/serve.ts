/**
 * Asks a server without a pause for very long, rightly and wrongly, and watches that nothing slows down, nothing grows and no
 * answer changes: `deno task soak:serve`. See docs/reliability.md.
 */

import { fileURLToPath } from "node:url";
import { defineCommand, exitCodeOf } from "../../cli/command.ts";
import { formatDuration, formatRate } from "../../cli/reports/format.ts";
import { formatTable } from "../../cli/reports/table.ts";
import { writeCheckpoint } from "../../disk/mod.ts";
import { modelByName } from "../../models/mod.ts";
import { randomTensors } from "../../tests/_random_model.ts";
import { writeJpegs } from "../_jpegs.ts";
import { BenchProgress } from "../cpu/progress.ts";
import { quantile } from "../serve/load.ts";
import { startServer } from "../serve/server.ts";
import { Asker, type Kind } from "./asker.ts";
import type { Sample } from "./figures.ts";
import { reportTenths, residentMemory, STEADY_HEAP } from "./report.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Samples of a run. */
const SAMPLES = 60, MIB = 2 ** 20, FILES = 24;

const command = defineCommand({
  name: "soak:serve",
  about:
    "Ask a server for very long, and fail if its end is slower than its beginning, it grows or an answer is wrong.",
  options: {
    minutes: { kind: "number", about: "how long", default: 60, minimum: 0.1 },
    clients: { kind: "integer", about: "clients, each of which waits for its answer", default: 8, minimum: 1 },
    model: { kind: "text", about: "the network, of random weights", default: "resnet20" },
    backend: { kind: "text", about: "where it computes", default: "cpu", choices: ["cpu", "webgpu"] },
  },
  examples: [["", "an hour on the CPU"], ["--minutes 2 --clients 64", "a short one of many clients"]],
}, async ({ minutes, clients, model: name, backend }) => {
  const folder = await Deno.makeTempDir();
  try {
    const model = modelByName(name), weights = `${folder}/model.safetensors`;
    await writeCheckpoint(weights, randomTensors(model, 1), {
      model: { name },
      classes: Array.from({ length: model.classes }, (_, k) => `${k}`),
      normalisation: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    });
    await writeJpegs(folder, { count: FILES, side: 100 });
    const images = await Promise.all(
      Array.from({ length: FILES }, (_, k) => Deno.readFile(`${folder}/${"ab"[k % 2]}/${k}.jpg`)),
    );
    // deno-fmt-ignore
    await using server = await startServer([
      STEADY_HEAP, `${root}bench/soak/collected.ts`, "serve", "--checkpoint", weights, "--port", "0", "--backend", backend, "--max-request", "1",
    ]);
    const asker = await Asker.create(server.address, images), samples: Sample[] = [];
    const begin = performance.now(), end = begin + 60_000 * minutes, stopped = new AbortController();
    const working = Array.from({ length: clients }, (_, client) => work(asker, client, stopped.signal));
    const failed = Promise.all(working).then(() => {}), progress = new BenchProgress(SAMPLES);
    for (let k = 0; k <= SAMPLES; k++) {
      const wait = begin + k * (end - begin) / SAMPLES - performance.now();
      await Promise.race([new Promise((resolve) => setTimeout(resolve, Math.max(0, wait))), failed]);
      const memory = await residentMemory(server.pid), seconds = (performance.now() - begin) / 1000;
      samples.push({ seconds, images: asker.answers, memory });
      progress.next();
      progress.show("samples", `${formatRate(asker.answers / seconds)}, ${(memory / MIB).toFixed(0)} MiB`);
    }
    stopped.abort();
    await failed;
    await asker.expectNoFailure();
    progress.clear();
    report(asker, samples, clients);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function work(asker: Asker, client: number, signal: AbortSignal): Promise<void> {
  for (let request = 0; !signal.aborted; request++) await asker.ask(client, request);
}

function report(asker: Asker, samples: readonly Sample[], clients: number): void {
  const { seconds } = samples.at(-1)!;
  console.log(`${asker.answers} answers to ${clients} clients, ${formatDuration(seconds)}`);
  const rows = Object.entries(asker.times).map(([kind, times]) => {
    const sorted = times.toSorted((a, b) => a - b);
    return [kind as Kind, `${sorted.length}`, ...[0.5, 0.99, 1].map((share) => (quantile(sorted, share)).toFixed(1))];
  });
  console.log(formatTable([["request", "answers", "p50 ms", "p99 ms", "longest"], ...rows]));
  reportTenths(samples, "answers");
}

const code = await exitCodeOf(() => command.run(Deno.args));
Deno.exit(code || Deno.exitCode);
