import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DataError } from "../core/mod.ts";
import { MemoryStore } from "../tests/_runs.ts";
import { type CheckpointInfo, encodeCheckpoint, findProgressFault, type Progress } from "../weights/mod.ts";
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
    progress: { ...PROGRESS, epochs: Math.floor(steps / 5), steps },
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

Deno.test("RunFolder.readMetrics() leaves out what is not whole, and names a line of something else", async () => {
  const step = { kind: "step", step: 1, epoch: 0, loss: 2, lr: 0.1, imagesPerSecond: null };
  const epoch = { kind: "epoch", epoch: 0, trainLoss: 1, trainTop1: 0, valLoss: null, valTop1: 0, lr: 1, seconds: 0.1 };
  const read = async (...lines: readonly string[]) => {
    const store = new MemoryStore();
    await store.append("metrics.jsonl", lines.join("\n"));
    return await new RunFolder(store).readMetrics();
  };
  const [first, second] = [step, epoch].map((line) => JSON.stringify(line));
  const notWhole = ['{"kind":"ep', `[${"{},".repeat(10_000)}{}]`, "{", ""];
  assertEquals(await read(first, second, ...notWhole), [step, epoch] as unknown as MetricsLine[]);
  assertEquals(await new RunFolder(new MemoryStore()).readMetrics(), []);
  const wrong: readonly (readonly [unknown, string])[] = [
    [null, "a line is null, expected an object"],
    [7, "a line is 7, expected an object"],
    [{}, 'kind is missing, expected "step" or "epoch"'],
    [{ ...step, kind: "Step" }, 'kind is "Step", expected "step" or "epoch"'],
    [{ ...step, step: "1" }, 'step is "1", expected a whole number of at least 1'],
    [{ ...epoch, trainLoss: null }, "trainLoss is null, expected a number"],
    [{ ...epoch, seconds: undefined }, "seconds is missing, expected a number"],
  ];
  for (const [line, told] of wrong) {
    const message = `memory/metrics.jsonl: ${told}, in line 2; take that line out`;
    await assertRejects(() => read(first, JSON.stringify(line), second), DataError, message);
  }
});

Deno.test("RunFolder.readMetrics() refuses a file that is none of a run, without reading all of it", async () => {
  const store = new MemoryStore(), read = () => new RunFolder(store).readMetrics();
  const hold = (text: string) => void store.files.set("metrics.jsonl", new TextEncoder().encode(text));
  hold("x\n".repeat(10_000));
  assertEquals(await read(), []);
  hold("x\n".repeat(20_000_000));
  const started = performance.now();
  await assertRejects(read, DataError, "memory/metrics.jsonl: more than 10000 lines are not whole");
  assert(performance.now() - started < 10_000, "all lines were tried");
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

Deno.test("findProgressFault() names what no run can go on from, and what was expected", () => {
  assertEquals(findProgressFault(JSON.parse(JSON.stringify(PROGRESS))), undefined);
  const { data } = PROGRESS, validated = { epoch: 1, isBest: true };
  assertEquals(findProgressFault({ ...PROGRESS, validated }), undefined);
  const wrong: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ steps: "7" }, 'progress.steps is "7", expected a whole number of at least 0'],
    [{ epochs: -1 }, "progress.epochs is -1, expected a whole number of at least 0"],
    [{ lossSum: null }, "progress.lossSum is null, expected a number"],
    [{ schedule: [0.1, "a"] }, 'progress.schedule[1] is "a", expected a number'],
    [{ schedule: 1 }, "progress.schedule is 1, expected a list"],
    [{ data: 1 }, "progress.data is 1, expected an object"],
    [{ data: { ...data, shape: [1, 2] } }, "progress.data.shape is [1,2], expected a list of 3"],
    [{ batch: undefined }, "progress.batch is missing, expected a whole number of at least 1"],
    [{ validated: { ...validated, isBest: 1 } }, "progress.validated.isBest is 1, expected true or false"],
    // A run that believes them would train for ever, or not at all.
    [{ epochs: 0 }, "progress.steps is 7, expected 0 to 5, since progress.epochs is 0 and an epoch has 5 steps"],
    [{ epochs: 9e15 }, "progress.steps is 7, expected 45000000000000000"],
  ];
  for (const [part, text] of wrong) assertStringIncludes(findProgressFault({ ...PROGRESS, ...part })!, text);
  assertEquals(findProgressFault(undefined), "progress is missing, expected an object");
});

Deno.test("RunFolder.complete() makes the best checkpoint and the epoch's of the last one, as a run that was not killed", async () => {
  const store = new MemoryStore(), folder = new RunFolder(store), known = info(5);
  const averaged = new Map([...tensors, ["optimizer.average.w", { shape: [2], data: Float32Array.of(3, 4) }]]);
  const last = { ...known, progress: { ...known.progress!, validated: { epoch: 1, isBest: true } } };
  await folder.saveLast(averaged, last);
  const found = (await folder.resume())!;
  await folder.complete(found.tensors, found.info, 1);
  assertEquals([...store.files.keys()].sort(), ["best.safetensors", "epoch-0001.safetensors", "last.safetensors"]);
  const best = (await folder.load("best"))!;
  assertEquals([...best.tensors], [["w", { shape: [2], data: Float32Array.of(3, 4) }]]);
  assertEquals(best.info!.progress, undefined);

  // Weights that were not validated, or not the best, leave what is there.
  const bytes = store.files.get("best.safetensors");
  for (const validated of [undefined, { epoch: 2, isBest: false }]) {
    await folder.complete(tensors, { ...known, progress: { ...known.progress!, validated } }, 0);
  }
  assertEquals(store.files.get("best.safetensors"), bytes);
  assertEquals(store.files.has("epoch-0002.safetensors"), false);
});

Deno.test("RunFolder.resume() refuses a run of which the best checkpoint alone is left, so that none overwrites it", async () => {
  const store = new MemoryStore(), folder = new RunFolder(store), { progress: _, ...best } = info(5);
  await store.write("best.safetensors", encodeCheckpoint(tensors, best));
  await assertRejects(() => folder.resume(), DataError, "memory holds the best.safetensors of a run whose last");
});

Deno.test("RunFolder.resume() takes the checkpoint before one that makes no sense, or holds NaN", async () => {
  const right = info(6), progress = { ...right.progress!, epochs: 0 };
  const nan = new Map([["w", { shape: [2], data: Float32Array.of(1, NaN) }]]);
  for (
    const [wrong, told] of [
      [encodeCheckpoint(tensors, { ...right, progress }), "last.safetensors: progress.steps is 6, expected 0 to 5"],
      [encodeCheckpoint(nan, right), "last.safetensors: the tensor w holds NaN at element 1 of 2"],
    ] as const
  ) {
    const store = new MemoryStore(), folder = new RunFolder(store);
    await folder.saveLast(tensors, info(5));
    await folder.saveLast(tensors, right);
    await store.write("last.safetensors", wrong);
    const found = (await folder.resume())!;
    assertEquals(found.info.progress.steps, 5);
    assertStringIncludes(found.damage!, told);
  }
});
