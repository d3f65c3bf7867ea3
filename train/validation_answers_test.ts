import { assert, assertAlmostEquals, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CpuBackend, DataError } from "../core/mod.ts";
import { FolderDataset, MemoryDataset, PathList } from "../data/mod.ts";
import { loadModel } from "../inference/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { colourSet, MemoryStore } from "../tests/_runs.ts";
import { fit, RunFolder } from "./mod.ts";
import { validationAnswers } from "./validation_answers.ts";

const utf8 = new TextEncoder();

Deno.test("fit() keeps what the best network said of each validation image, as it says of them again", async () => {
  using backend = new CpuBackend();
  const set = colourSet(40, 13), store = new MemoryStore(), folder = new RunFolder(store);
  assertEquals(await folder.readValidation(), undefined);
  const model = cifarResNet({ depth: 8, classes: 3, inputShape: set.shape });
  const description = { name: "resnet8", classes: 3, inputShape: set.shape };
  await fit({ model, description, backend, set, epochs: 3, batch: 8, rate: 0.02, folder });
  const answers = (await folder.readValidation())!;
  const { epoch, images } = answers;
  assertEquals([answers.count, answers.stride, answers.classes], [13, 1, ["a", "b", "c"]]);
  assertEquals(
    images.map(({ index, label }) => [index, label]),
    [...set.validation.labels].map((label, k) => [k, label]),
  );
  // The epoch is the one of these figures.
  const line = (await folder.readMetrics()).find((line) => line.kind === "epoch" && line.epoch === epoch);
  const right = images.filter(({ label, predicted }) => label === predicted).length;
  assert(line?.kind === "epoch" && right / 13 === line.valTop1, `${right} of 13 right, ${JSON.stringify(line)}`);
  const loss = images.reduce((sum, { labelProbability }) => sum - Math.log(labelProbability), 0) / 13;
  assertAlmostEquals(loss, line.valLoss, 1e-4);
  // And they are of the weights in best.safetensors.
  using best = await loadModel((await folder.load("best"))!, { backend });
  for (const { index, predicted, probability } of images) {
    const [{ top: [first] }] = await best.predict(set.validation.read(index));
    assertEquals(first.index, predicted);
    assertAlmostEquals(first.probability, probability, 1e-5);
  }
});

Deno.test("fit() writes no answers where there are no images to validate on", async () => {
  using backend = new CpuBackend();
  const set = { ...colourSet(12, 0) }, store = new MemoryStore();
  const model = cifarResNet({ depth: 8, classes: 3, inputShape: set.shape });
  await fit({ model, backend, set, epochs: 1, batch: 6, folder: new RunFolder(store) });
  assertEquals([...store.files.keys()].sort(), ["last.safetensors", "metrics.jsonl"]);
});

/** A set of `count` files whose logits say class 1 of 2 with probability 3/4. */
function manyFiles(count: number, name: (k: number) => string) {
  const files = PathList.from(Array.from({ length: count }, (_, k) => name(k)));
  const decode = () => Promise.reject(new Error("nobody reads it"));
  const source = { location: "photos", read: decode, list: decode };
  const labels = Uint8Array.from({ length: count }, (_, k) => k % 2);
  const split = new FolderDataset(source, files, labels, { decode });
  const logits = Float32Array.from({ length: 2 * count }, (_, k) => k % 2 === 0 ? 0 : Math.log(3));
  return validationAnswers(split, { logits, labels: Uint32Array.from(labels) }, 4, ["a", "b"]);
}

Deno.test("validationAnswers() has the files' paths, and of very many images an even share", async () => {
  const few = manyFiles(3, (k) => `val/${k}.png`);
  assertEquals(few.images[2], {
    index: 2,
    path: "val/2.png",
    label: 0,
    predicted: 1,
    probability: 0.75,
    labelProbability: 0.25,
  });
  const { count, stride, images } = manyFiles(250_001, (k) => `${k}`);
  assertEquals([count, stride, images.length], [250_001, 3, 83_334]);
  assertEquals(images.at(-1), { ...few.images[2], index: 249_999, path: "249999", label: 1, labelProbability: 0.75 });
  const long = manyFiles(90_000, (k) => `${"a long name ".repeat(20)}${k}`);
  assertEquals([long.images.length, long.images[0].path], [90_000, undefined]);
  for (const answers of [few, long, manyFiles(100_000, (k) => `photos of a day/${k}.png`)]) {
    const store = new MemoryStore(), folder = new RunFolder(store);
    await folder.saveValidation(answers);
    assertEquals(await folder.readValidation(), answers);
    assert(store.files.get("validation.json")!.length < 64 * 2 ** 20);
  }
});

Deno.test("validationAnswers() of images in memory has no paths", () => {
  const split = new MemoryDataset([1, 1, 1], Uint8Array.of(1, 2), Uint8Array.of(0, 1));
  const logits = Float32Array.of(1, 0, 1, 0), labels = Uint32Array.of(0, 1);
  assertEquals(validationAnswers(split, { logits, labels }, 0, ["a", "b"]).images.map(({ path }) => path), [
    undefined,
    undefined,
  ]);
});

Deno.test("RunFolder.readValidation() names the field that makes no sense, and what was expected", async () => {
  const store = new MemoryStore(), folder = new RunFolder(store);
  await folder.saveValidation(manyFiles(3, (k) => `val/${k}.png`));
  const right = JSON.parse(store.text("validation.json"));
  const refused = async (text: string, told: string) => {
    store.files.set("validation.json", utf8.encode(text));
    const { message } = await assertRejects(() => folder.readValidation(), DataError);
    assertStringIncludes(message, `memory/validation.json: ${told}`);
  };
  const wrong: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ validation: 2 }, "validation is 2, expected 1, the version of the file; remove it"],
    [{ epoch: -1 }, "epoch is -1, expected a whole number of at least 0"],
    [{ classes: ["a", 1] }, "classes[1] is 1, expected text"],
    [{ count: 4 }, "label is [0,1,0], expected a list of 4"],
    [{ count: 1e15 }, "label is [0,1,0], expected a list of 1000000000000000"],
    [{ stride: 0 }, "stride is 0, expected a whole number of at least 1"],
    [{ label: [0, 2, 0] }, "label[1] is 2, expected a class from 0 to 1"],
    [{ predicted: [0, 1, 0.5] }, "predicted[2] is 0.5, expected a class from 0 to 1"],
    [{ probability: [0, 1, 1.5] }, "probability[2] is 1.5, expected a number from 0 to 1"],
    [{ labelProbability: undefined }, "labelProbability is missing, expected a list of 3"],
    [{ path: ["a", "b", null] }, "path[2] is null, expected text"],
  ];
  for (const [part, told] of wrong) await refused(JSON.stringify({ ...right, ...part }), told);
  await refused("[]", "the whole is [], expected an object");
  await refused("{", "it is not JSON text");
});
