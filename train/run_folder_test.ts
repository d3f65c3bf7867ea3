import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DataError } from "../core/mod.ts";
import { MemoryStore } from "../tests/_runs.ts";
import { type CheckpointInfo, isProgress, type Progress } from "../weights/mod.ts";
import { type MetricsLine, RunFolder } from "./mod.ts";

const PROGRESS: Progress = {
  epochs: 1,
  steps: 7,
  lossSum: 2.5,
  correct: 3,
  bestTop1: -1,
  schedule: [0.1],
  batch: 4,
  data: { train: 20, validation: 0, shape: [1, 2, 2], classes: ["a"], hash: "0" },
};

function info(steps: number): CheckpointInfo {
  return {
    model: { name: "resnet20", classes: 1, inputShape: [1, 2, 2] },
    classes: ["a"],
    normalisation: { mean: [0], std: [1] },
    progress: { ...PROGRESS, steps },
  };
}

const tensors = new Map([["w", { shape: [2], data: new Float32Array([1, 2]) }]]);

Deno.test("RunFolder.resume() takes the last checkpoint, else the one before it, and keeps that", async () => {
  const store = new MemoryStore(), folder = new RunFolder(store);
  assertEquals(await folder.resume(), undefined);
  await folder.saveLast(tensors, info(1));
  await folder.saveLast(tensors, info(2));
  assertEquals((await folder.resume())!.info.progress.steps, 2);

  store.files.set("last.safetensors", store.files.get("last.safetensors")!.slice(0, -3));
  const previous = (await folder.resume())!;
  assertEquals(previous.info.progress.steps, 1);
  assertStringIncludes(previous.damage!, "last.safetensors");
  assertEquals((await folder.resume())!.damage, undefined, "it is the last one now");

  await store.remove("last.safetensors");
  assertStringIncludes((await folder.resume())!.damage!, "is missing");
  store.files.set("last.safetensors", new Uint8Array(9));
  store.files.set("previous.safetensors", new Uint8Array(9));
  await assertRejects(() => folder.resume(), DataError, "last.safetensors");
});

Deno.test("RunFolder.cutMetrics() keeps the lines that a checkpoint knows of, to the byte", async () => {
  const store = new MemoryStore(), folder = new RunFolder(store);
  const step = (step: number, epoch: number) =>
    folder.log({ kind: "step", step, epoch, loss: 0.1 + 0.2, lr: 1e-7, imagesPerSecond: 1 / 3 });
  const epoch = (epoch: number) =>
    folder.log({ kind: "epoch", epoch, trainLoss: 1, trainTop1: 0, valLoss: 1, valTop1: 0, lr: 1, seconds: 0.1 });
  step(1, 0);
  step(2, 0);
  epoch(0);
  step(3, 1);
  await folder.flush();
  const known = store.text("metrics.jsonl");
  step(4, 1);
  epoch(1);
  await folder.flush();
  await store.append("metrics.jsonl", '{"kind":"step","st');
  await folder.cutMetrics({ epochs: 1, steps: 3 });
  assertEquals(store.text("metrics.jsonl"), known);
});

Deno.test("RunFolder.readMetrics() passes over lines that are no steps or epochs, and lines without an end", async () => {
  const store = new MemoryStore(), folder = new RunFolder(store);
  const step = { kind: "step", step: 1, epoch: 0, loss: 2, lr: 0.1, imagesPerSecond: 9 };
  const lines = ["null", "7", "[]", '{"kind":1}', JSON.stringify(step), `[${"{},".repeat(10_000)}{}]`, "{", ""];
  await store.append("metrics.jsonl", lines.join("\n"));
  assertEquals(await folder.readMetrics(), [step as MetricsLine]);
  assertEquals(await new RunFolder(new MemoryStore()).readMetrics(), []);
});

Deno.test("RunFolder.keepLast() keeps the last epochs", async () => {
  const store = new MemoryStore(), folder = new RunFolder(store);
  for (let epoch = 1; epoch <= 4; epoch++) {
    await folder.saveLast(tensors, info(epoch));
    await folder.keepLast(epoch, 2);
  }
  assertEquals([...store.files.keys()].filter((name) => name.startsWith("epoch")), [
    "epoch-0003.safetensors",
    "epoch-0004.safetensors",
  ]);
});

Deno.test("isProgress() refuses what no run can go on from", () => {
  assertEquals(isProgress(JSON.parse(JSON.stringify(PROGRESS))), true);
  const wrong = [{ steps: "7" }, { epochs: -1 }, { lossSum: null }, { schedule: ["a"] }, { schedule: 1 }, { data: 1 }];
  for (const part of [...wrong, { batch: undefined }]) assertEquals(isProgress({ ...PROGRESS, ...part }), false);
  assertEquals(isProgress(undefined), false);
});
