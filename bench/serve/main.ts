/** Requests a second of `serve`, beside ONNX Runtime behind a plain server: `deno task bench:serve`. See docs/serving.md. */

import { fileURLToPath } from "node:url";
import { defineCommand, exitCodeOf } from "../../cli/command.ts";
import { formatTable } from "../../cli/reports/table.ts";
import { defaultNormalisation, defaultPreprocessing } from "../../data/mod.ts";
import { readCheckpoint, writeCheckpoint, writeFile } from "../../disk/mod.ts";
import { modelByName } from "../../models/mod.ts";
import { exportOnnx } from "../../onnx/mod.ts";
import { randomTensors } from "../../tests/_random_model.ts";
import { writeJpegs } from "../_jpegs.ts";
import { measureLoad } from "./load.ts";
import { startServer } from "./server.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const CLIENTS = [1, 8, 64], SIDE = 400;

const command = defineCommand({
  name: "bench:serve",
  about: "Requests a second and latency of serve, and of ONNX Runtime behind a plain server, on the CPU.",
  options: {
    model: { kind: "text", about: "the network, of random weights", default: "resnet18" },
    seconds: { kind: "number", about: "seconds with each number of clients", default: 10, minimum: 0.1 },
    batch: { kind: "integer", about: "as serve --batch", default: 16, minimum: 1 },
  },
  examples: [["", "ResNet-18"], ["--model mobilenet_v2 --seconds 3", "a smaller one, a first impression"]],
}, async ({ model: name, seconds, batch }) => {
  const folder = await Deno.makeTempDir();
  try {
    const model = modelByName(name), { resize, crop: [crop] } = defaultPreprocessing(model.inputShape);
    const weights = `${folder}/model.safetensors`, onnx = `${folder}/model.onnx`;
    await writeCheckpoint(weights, randomTensors(model, 1), {
      model: { name },
      classes: Array.from({ length: model.classes }, (_, k) => `${k}`),
      normalisation: defaultNormalisation(model.inputShape) ?? { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    });
    await writeFile(onnx, await exportOnnx(await readCheckpoint(weights), { normalise: true }));
    await writeJpegs(folder, { count: 1, side: SIDE });
    const image = await Deno.readFile(`${folder}/a/0.jpg`), [width] = [model.inputShape[2]];
    console.log(
      `${name} at ${crop}x${width}, a JPEG of ${SIDE}x${SIDE} a request, ${navigator.hardwareConcurrency} cores`,
    );
    // deno-fmt-ignore
    const servers = [
      ["residua", [`${root}cli/main.ts`, "serve", "--checkpoint", weights, "--port", "0", "--backend", "cpu", "--batch", `${batch}`]],
      ["ort-node", [`${root}bench/serve/peer.ts`, onnx, `${resize}`, `${crop}`]],
    ] as const;
    const rows: string[][] = [["server", "clients", "requests/s", "p50 ms", "p99 ms", "failed"]];
    for (const [server, args] of servers) {
      await using running = await startServer(args);
      const ask = async () => {
        const response = await fetch(`${running.address}/predict`, { method: "POST", body: image });
        await response.text();
        return response.ok;
      };
      for (const clients of CLIENTS) {
        const { rate, p50, p99, failures } = await measureLoad(ask, { clients, seconds });
        rows.push([
          server,
          `${clients}`,
          rate.toFixed(1),
          (1000 * p50).toFixed(1),
          (1000 * p99).toFixed(1),
          `${failures}`,
        ]);
      }
    }
    console.log(formatTable(rows));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.exit(await exitCodeOf(() => command.run(Deno.args)));
