import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError, UsageError } from "../../core/mod.ts";
import { memoryFolder } from "../../tests/_memory_folder.ts";
import { BadImages, type ImageFolderOptions, readImageFolder } from "./folder.ts";
import { openImageSet } from "./open.ts";

/** Decodes a "file", whose text is its grey, to one pixel. */
const decode: ImageFolderOptions["decode"] = (bytes, source) => {
  const grey = Number(new TextDecoder().decode(bytes));
  if (Number.isNaN(grey)) return Promise.reject(new DataError(`${source}: not an image`));
  return Promise.resolve({ width: 1, height: 1, pixels: Uint8Array.of(grey, grey, grey) });
};

const files = {
  "train/dog/b.png": "2",
  "train/dog/a.JPG": "1",
  "train/cat/deep/c.jpeg": "3",
  "train/cat/notes.txt": "-",
  "train/cat/.hidden.png": "-",
  "val/cat/d.png": "4",
  "test/dog/e.png": "5",
  "README.md": "",
};

Deno.test("readImageFolder() finds classes and images in the order of their names", async () => {
  const set = await openImageSet(memoryFolder(files), { decode, size: 48 });
  assertEquals([set.classes, set.shape, set.mirrorable], [["cat", "dog"], [3, 48, 48], true]);
  assertEquals([[...set.train.labels], [...set.validation.labels]], [[0, 1, 1], [0]]);
  const greys = await Promise.all([0, 1, 2].map(async (index) => (await set.train.read(index)).pixels[0]));
  assertEquals(greys, [3, 1, 2]);
  assertEquals((await set.validation.read(0)).pixels[0], 4);
});

Deno.test("readImageFolder() splits each class by a seed where the folder does not say", async () => {
  const plain: Record<string, string> = {}, inTrain: Record<string, string> = {};
  for (const [name, count] of [["A", 20], ["B", 40], ["C", 2], ["D", 1]] as const) {
    for (let k = 0; k < count; k++) plain[`${name}/${100 + k}.png`] = inTrain[`train/${name}/${100 + k}.png`] = "1";
  }
  const read = (splitSeed: number) =>
    readImageFolder(memoryFolder(plain), { decode, splitSeed, validationFraction: 0.2 });
  const { train, validation, mirrorable } = await read(0);
  const counts = [...validation.labels].reduce((sums, label) => sums.with(label, sums[label] + 1), [0, 0, 0, 0]);
  assertEquals([counts, train.count, mirrorable], [[4, 8, 1, 0], 50, false]);
  assertEquals([...train.files, ...validation.files].sort(), Object.keys(plain).sort());
  const chosen = [...validation.files];
  assertEquals([...(await read(0)).validation.files], chosen);
  assert([...(await read(1)).validation.files].some((path) => !chosen.includes(path)));
  assert(chosen.slice(0, 4).some((path) => path > "A/103.png"));
  const nested = await readImageFolder(memoryFolder(inTrain), { decode, validationFraction: 0.2 });
  assertEquals(nested.validation.count, 13);
});

Deno.test("readImageFolder() validates on a hundred images of a set, within a tenth and a fifth of it", async () => {
  for (const [count, validated] of [[40, 8], [800, 100], [2000, 200]]) {
    const paths = ["a", "b"].flatMap((name) => Array.from({ length: count / 2 }, (_, k) => `${name}/${k}.png`));
    const set = await readImageFolder(memoryFolder(Object.fromEntries(paths.map((path) => [path, "1"]))), { decode });
    assertEquals([set.train.count, set.validation.count], [count - validated, validated]);
  }
});

Deno.test("readImageFolder() says what is wrong with a folder", async () => {
  const read = (content: Record<string, string>) => () => readImageFolder(memoryFolder(content), { decode });
  await assertRejects(read({ "train/a/1.png": "1" }), DataError, "at least two classes in train but there is only a");
  await assertRejects(
    read({ "a/1.png": "1", "b/1.txt": "1" }),
    DataError,
    "/sets/some/b: expected PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF files",
  );
  const unknown = { "train/a/1.png": "1", "train/b/1.png": "1", "valid/c/1.png": "1" };
  await assertRejects(read(unknown), DataError, "/sets/some/valid/c: expected the classes of train (a and b) but c");
  await assertRejects(() => openImageSet(memoryFolder(files)), UsageError, "need a decoder");
  await assertRejects(
    () => readImageFolder(memoryFolder(files), { decode, validationFraction: 1 }),
    UsageError,
    "between 0 and 1",
  );
});

Deno.test("readImageFolder() knows splits by their usual names, and keeps the test apart from validation", async () => {
  const read = (content: Record<string, string>) => readImageFolder(memoryFolder(content), { decode });
  const split = (name: string, count: number) =>
    Object.fromEntries(
      ["a", "b"].flatMap((c) => Array.from({ length: count }, (_, k) => [`${name}/${c}/${k}.png`, "1"])),
    );
  for (const [train, val, test] of [["Train", "Val", "Test"], ["training", "valid", "testing"]]) {
    const set = await read({ ...split(train, 5), ...split(val, 2), ...split(test, 3) });
    assertEquals([set.classes, set.train.count, set.validation.count, set.test?.count], [["a", "b"], 10, 4, 6]);
  }
  const nested = await read({ ...split("seg_train/seg_train", 5), ...split("seg_test/seg_test", 3) });
  assertEquals([nested.classes, nested.train.count, nested.validation.count], [["a", "b"], 10, 6]);
  assertEquals(nested.test, undefined);
  const unlabelled = await read({ ...split("train", 10), "test/1.png": "1", "test/2.png": "1" });
  assertEquals([unlabelled.train.count, unlabelled.validation.count, unlabelled.test], [16, 4, undefined]);
});

Deno.test("readImageFolder() orders classes by their names alone, and takes composed and decomposed names for one", async () => {
  const composed = "caf\u00e9", decomposed = "cafe\u0301";
  const set = await readImageFolder(
    memoryFolder({
      [`train/${decomposed}/1.png`]: "1",
      "train/caf/2.png": "2",
      "train/caf-b/3.png": "3",
      [`val/${composed}/4.png`]: "4",
    }),
    { decode },
  );
  assertEquals([set.classes, [...set.train.files].length], [["caf", "caf-b", composed], 3]);
  assertEquals([set.train.files.at(2), [...set.validation.labels]], [`train/${decomposed}/1.png`, [2]]);
});

Deno.test("readImageFolder() refuses what may be splits or classes, and two folders of a split", async () => {
  const read = (content: Record<string, string>) => () => readImageFolder(memoryFolder(content), { decode });
  const same = { "one/a/1.png": "1", "one/b/1.png": "1", "two/a/1.png": "1", "two/b/1.png": "1" };
  await assertRejects(
    read(same),
    DataError,
    "one and two all hold the folders a and b, so that either may be the classes",
  );
  await assertRejects(
    read({ "train/a/1.png": "1", "Train/a/1.png": "1" }),
    DataError,
    "one folder of the train split but there are Train and train",
  );
});

Deno.test("BadImages counts each once, and stops where they are too many", () => {
  const heard: string[] = [], bad = new BadImages(2, (message) => heard.push(message));
  bad.add("a", new DataError("a is broken"));
  bad.add("a", new DataError("a is broken"));
  bad.add("b", new DataError("b is broken"));
  assertEquals(heard.length, 2);
  assertEquals(heard[1], "b is broken; the next image of the set takes its place");
  let message = "";
  try {
    bad.add("c", new DataError("c is broken"));
  } catch (error) {
    message = (error as Error).message;
  }
  assertEquals(message, "More than 2 images cannot be read (`maxBad`): a, b, c; the last: c is broken");
});
