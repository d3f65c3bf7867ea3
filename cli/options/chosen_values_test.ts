import { assertEquals } from "@std/assert";
import { type DecodedImage, type ImageSet, MemoryDataset } from "../../data/mod.ts";
import { chooseImages, chooseValues } from "./chosen_values.ts";
import { resolveOptions } from "./parse_options.ts";
import { TRAIN_OPTIONS, trainingOptions } from "./train_options.ts";
import { type FitOptions, suggestedOptions, suggestTraining } from "../../train/mod.ts";

/** Image files whose shorter sides are in turn those given; NaN is a damaged one. */
function files(count: number, sides: readonly number[]): ImageSet {
  const read = (index: number): DecodedImage => {
    const side = sides[Math.floor(index * sides.length / count)];
    if (Number.isNaN(side)) throw new Error("damaged");
    return { width: side + 7, height: side, pixels: new Uint8Array(3 * side * (side + 7)) } as DecodedImage;
  };
  const train = { count, labels: new Uint8Array(count), read };
  return { name: "photos", classes: ["a", "b"], shape: [3, 32, 32], train, validation: train, mirrorable: true };
}

const memory: ImageSet = {
  ...files(0, []),
  shape: [1, 28, 28],
  train: new MemoryDataset([1, 28, 28], new Uint8Array(500 * 784), new Uint8Array(500)),
};

async function choose(set: ImageSet, given: Record<string, string>, recipe: Record<string, unknown> = {}) {
  const values = resolveOptions(TRAIN_OPTIONS, { data: "photos", ...given }, recipe);
  const choice = await chooseValues(values, new Set([...Object.keys(given), ...Object.keys(recipe)]), set);
  const { model, size, batch, epochs, lr, warmup, randaugment } = choice.values;
  return { shape: choice.set.shape, text: choice.text, model, size, batch, epochs, lr, warmup, randaugment };
}

Deno.test("chooseValues() chooses network, size, batch, epochs and rate for photos, and says how to change them", async () => {
  assertEquals(await choose(files(160, [480, NaN, 3000, 20, 480]), {}), {
    shape: [3, 64, 64],
    text:
      "chosen for 160 images: resnet20, 64x64 pixels, batches of 16, 88 epochs, rate 0.05, cosine, RandAugment 2,4\n" +
      "  to change it: --model --size --batch --epochs --lr --randaugment",
    randaugment: [2, 4],
    model: "resnet20",
    size: 64,
    batch: 16,
    epochs: 88,
    lr: 0.05,
    warmup: 4.4,
  });
});

Deno.test("chooseValues() leaves what is given, by the user or a recipe, and fits the rest to it", async () => {
  const photos = files(160, [480]);
  const { text, warmup, ...rest } = await choose(photos, { model: "resnet18", batch: "32", lr: "0.3" });
  const none = { randaugment: undefined };
  assertEquals(rest, { shape: [3, 224, 224], model: "resnet18", size: 224, batch: 32, epochs: 88, lr: 0.3, ...none });
  for (const given of [{ augment: "crop" }, { size: "32" }, { size: "96" }] as Record<string, string>[]) {
    assertEquals((await choose(photos, given)).randaugment, undefined);
  }
  assertEquals((await choose(photos, { randaugment: "1,9" })).randaugment, [1, 9]);
  assertEquals(text, "chosen for 160 images: 224x224 pixels, 88 epochs\n  to change it: --size --epochs");
  assertEquals(warmup, 4.4);
  assertEquals((await choose(photos, { model: "resnet56" })).size, 64);
  assertEquals((await choose(files(160, [28]), { model: "resnet56" })).size, 32);
  assertEquals((await choose(photos, { size: "96" })).model, "resnet18");
  const all = { model: "resnet20", size: "48", batch: "8", epochs: "3", lr: "0.1" };
  assertEquals((await choose(photos, all)).text, "");
  assertEquals((await choose(photos, {}, { schedule: "step", lr: 0.1 })).warmup, 0);
  assertEquals((await choose(photos, { warmup: "2", schedule: "step" })).warmup, 2);
});

Deno.test("chooseValues() begins a test of rates with what it would choose, and does not say it", async () => {
  const open = await choose(memory, {}), auto = await choose(memory, { lr: "auto" });
  assertEquals([auto.lr, auto.text.includes("rate")], [open.lr, false]);
  assertEquals((await choose(memory, { lr: "auto", optimizer: "adamw" })).lr, 1e-3);
});

Deno.test("chooseValues() takes images in memory as they are, and the epochs of --steps", async () => {
  const { shape, size, model, batch, epochs } = await choose(memory, {});
  assertEquals([shape, size, model, batch, epochs], [[1, 28, 28], undefined, "resnet20", 16, 38]);
  const stepped = await choose(memory, { steps: "62" });
  assertEquals([stepped.epochs, stepped.warmup.toFixed(2)], [2, "0.10"]);
  assertEquals(stepped.text.includes("epochs"), false);
  const shapes = await choose(memory, { data: "shapes" });
  assertEquals([shapes.batch, shapes.epochs], [32, 6]);
  // A table of image files is no set of shapes, though it needs no folder.
  const listed = await choose(files(20, [64]), { data: "shapes", "train-list": "train.csv" });
  assertEquals([listed.batch, listed.epochs], [5, 120]);
});

Deno.test("suggestedOptions() of the library tells fit() what train does where it is told nothing", async () => {
  for (const count of [7, 77, 2000]) {
    const { values } = await chooseValues(
      resolveOptions(TRAIN_OPTIONS, { data: "photos" }),
      new Set(),
      files(count, [480]),
    );
    const suggestion = suggestTraining(count), options = suggestedOptions(count, suggestion);
    const told: Partial<FitOptions> = trainingOptions(values, Math.floor(count / suggestion.batch));
    for (const [name, value] of Object.entries(options)) {
      const said = { epochs: values.epochs, batch: values.batch, ...told }[name as keyof FitOptions];
      assertEquals(said, value, `${name} of ${count} images`);
    }
  }
});

Deno.test("chooseImages() sees images as chooseValues() has them trained on", async () => {
  for (const set of [files(160, [480]), files(160, [28]), files(30_000, [480]), memory]) {
    for (const given of [{}, { size: "96" }, { augment: "crop" }, { randaugment: "1,9" }] as Record<string, string>[]) {
      if (set === memory && "size" in given) continue;
      const { size, randaugment } = resolveOptions(TRAIN_OPTIONS, { data: "photos", ...given });
      const seen = await chooseImages({ size, randaugment }, new Set(Object.keys(given)), set);
      const { shape, randaugment: trained } = await choose(set, given);
      assertEquals([seen.set.shape, seen.randaugment], [shape, trained]);
    }
  }
});
