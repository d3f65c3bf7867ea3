/**
 * Times a training step and an inference of ResNet-20 on a backend: `deno task bench [cpu|webgpu] [batch]`; or each op of
 * a training step on WebGPU: `deno task bench --ops [batch]`.
 */

import { profileOps } from "./ops.ts";
import { openBackend, Random, resnetBatch } from "./_work.ts";
import { compileInference, Trainer } from "../train/mod.ts";

if (Deno.args[0] === "--ops") {
  await profileOps(Number(Deno.args[1] ?? 128));
  Deno.exit();
}
const [choice = "cpu", batchText = "128"] = Deno.args;
const backend = await openBackend(choice as "cpu" | "webgpu"), batch = Number(batchText);
const { model, images, labels } = resnetBatch(batch, new Random(0, "bench"));
const trainer = await Trainer.create({ model, backend, batch });
const inference = await compileInference(model, backend, batch, trainer.variables);

async function median(run: () => void): Promise<number> {
  const seconds: number[] = [];
  for (let k = 0; k < 7; k++) {
    const started = performance.now();
    run();
    await backend.finish();
    seconds.push((performance.now() - started) / 1000);
    await trainer.results();
  }
  return seconds.slice(2).sort((a, b) => a - b)[2];
}

const step = await median(() => trainer.step(images, labels, 0.1));
inference.write("image", images);
const pass = await median(() => inference.run());
console.log(`${backend.description}, ResNet-20, batch ${batch}, median of 5`);
console.log(`training  ${(batch / step).toFixed(1)} images/s, ${trainer.program.dispatches} kernel calls a step`);
console.log(`inference ${(batch / pass).toFixed(1)} images/s, ${inference.dispatches} kernel calls`);
backend.destroy();
