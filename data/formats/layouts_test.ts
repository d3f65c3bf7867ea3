/** Folders as people have them: split folders by other names, unlabelled tests, a level too many or too few. */

import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../core/mod.ts";
import { memoryFolder } from "../../tests/_memory_folder.ts";
import type { FileSource } from "./file_source.ts";
import { type ImageFolderOptions, readImageFolder } from "./folder.ts";
import { findImageFiles, LeftOut } from "./image_tree.ts";
import { openImageSet } from "./open.ts";

const decode: ImageFolderOptions["decode"] = () =>
  Promise.resolve({ width: 1, height: 1, pixels: Uint8Array.of(1, 2, 3) });

/** Ten images of each of two classes in a folder. */
function classes(folder: string, count = 10): Record<string, string> {
  const paths = ["cat", "dog"].flatMap((name) => Array.from({ length: count }, (_, k) => `${folder}${name}/${k}.png`));
  return Object.fromEntries(paths.map((path) => [path, ""]));
}

const read = (files: Record<string, string>) => readImageFolder(memoryFolder(files), { decode });

/** A folder in a folder, which knows it. */
function within(files: Record<string, string>, folder: string): FileSource {
  const parent = { ...memoryFolder(files), location: "/sets" }, inner = `${folder}/`;
  return {
    location: `/sets/${folder}`,
    parent,
    list: (name = "") => parent.list(inner + name),
    read: (path) => parent.read(inner + path),
  };
}

Deno.test("readImageFolder() knows training_set/training_set and test1, and folders that are no splits", async () => {
  const set = await read({ ...classes("training_set/Training_Set/"), ...classes("test1/", 3), "labels/a.png": "" });
  assertEquals([set.classes, set.train.count, set.validation.count], [["cat", "dog"], 20, 6]);
  assertEquals(set.notes, [
    "/sets/some: there is no folder val, so that the images of test1 are validated on",
    "/sets/some: labels: not read, being no split by name",
  ]);
  assertEquals((await read({ ...classes("train/"), ...classes("val/") })).notes, undefined);
});

Deno.test("readImageFolder() validates on a share of train beside an unlabelled test, and says so", async () => {
  for (const test of ["test/1.jpg", "test/unknown/1.jpg", "Test/test/1.jpg"]) {
    const set = await read({ ...classes("train/"), [test]: "", [test.replace("1", "2")]: "" });
    assertEquals([set.train.count, set.validation.count, set.test], [16, 4, undefined]);
    assertEquals(set.notes?.length, 1);
    assertEquals(
      set.notes?.[0].replace("Test/test", "test"),
      "/sets/some: the 2 images of test are left out, being in no folders of the classes, and a share of the training " +
        "images is validated on",
    );
  }
  const set = await read({ ...classes("train/"), ...classes("val/", 4), "test/1.jpg": "" });
  assertEquals([set.train.count, set.validation.count, set.test], [20, 8, undefined]);
});

Deno.test("readImageFolder() takes train and test for classes beside others, and refuses splits without train", async () => {
  const vehicles = await read({ "train/1.png": "", "bus/1.png": "", "bus/2.png": "", "test/1.png": "" });
  assertEquals(vehicles.classes, ["bus", "test", "train"]);
  const refused = (files: Record<string, string>, message: string) =>
    assertRejects(() => read(files), DataError, message);
  await refused(
    { ...classes("Val/"), ...classes("test/") },
    "expected a folder train beside Val and test but there is",
  );
  await refused({ ...classes(""), ...classes("test/") }, "test holds folders of the same names (cat and dog) as those");
  await refused({ "train/cat.0.jpg": "", "test1/1.jpg": "" }, "/sets/some/train: expected a folder of images for each");
  await refused({ ...classes("train/"), "val/1.jpg": "" }, "/sets/some/val: expected folders of the classes of train");
  await refused({ ...classes("cat/"), ...classes("dog/") }, "cat and dog all hold the folders cat and dog");
});

Deno.test("readImageFolder() counts what it leaves out by ending", async () => {
  const others = { "train/cat/a.HEIC": "", "train/cat/b.heic": "", "val/dog/Thumbs": "", "train/cat/.hidden.heic": "" };
  const { notes } = await read({ ...classes("train/"), ...classes("val/"), ...others });
  assertEquals(notes, [
    "/sets/some: 3 files are not read, being no PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF: 2 .heic, 1 without an ending",
  ]);
  const none = { ...classes(""), "bird/a.heic": "", "bird/b.heic": "" };
  await assertRejects(
    () => read(none),
    DataError,
    "/sets/some/bird: expected PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF files",
  );
  await assertRejects(() => read(none), DataError, "but there are only others (2 .heic); convert them");
});

Deno.test("findImageFiles() lists more files of a folder than a call has room for arguments", async () => {
  const names = Array.from({ length: 200_000 }, (_, k) => `${k}.png`);
  const files: FileSource = {
    ...memoryFolder({}),
    list: (folder = "") => Promise.resolve(folder === "" ? ["a/", "b/"] : names),
  };
  assertEquals((await findImageFiles(files, "", new LeftOut())).length, 400_000);
  const { train, validation } = await openImageSet(files, { decode });
  assertEquals([train.count, validation.count], [360_000, 40_000]);
});

/** A folder whose folders of these names are the same: `a/x/` and `b/` for `{ "a/x/": "b/" }`. */
function linked(files: Record<string, string>, links: Record<string, string>): FileSource {
  const folder = memoryFolder(files);
  const real = (path: string): string => {
    const link = Object.keys(links).find((link) => path.startsWith(link));
    return link === undefined ? path : real(links[link] + path.slice(link.length));
  };
  return {
    ...folder,
    list: async (inner = "") => {
      const names = Object.keys(links).map((link) => link.match(/^(.*?)([^/]+\/)$/)!.slice(1));
      return [...await folder.list(real(inner)), ...names.filter(([at]) => at === real(inner)).map(([, name]) => name)];
    },
    identify: (inner) => Promise.resolve(real(inner)),
  };
}

Deno.test("findImageFiles() reads each folder once, where links lead round in a circle", async () => {
  const files = linked({ "a/1.png": "", "a/c/2.png": "", "b/3.png": "" }, { "a/x/": "b/", "b/y/": "a/" });
  const leftOut = new LeftOut();
  assertEquals(await findImageFiles(files, "", leftOut), ["a/1.png", "a/c/2.png", "a/x/3.png"]);
  assertEquals(leftOut.describeFolders(), "2 links lead to folders that are read by another path, and are passed over");
});

Deno.test("openImageSet() refuses images that would be of two classes or splits, and notes links within a class", async () => {
  const train = classes("train/"), val = classes("val/");
  const refused = (files: Record<string, string>, links: Record<string, string>, message: string) =>
    assertRejects(() => openImageSet(linked(files, links), { decode }), DataError, message);
  const twice = "by another path, so that images would be there twice; remove the link";
  await refused(
    classes(""),
    { "eel/": "cat/" },
    `/sets/some/eel: expected images of its own but it is the folder cat ${twice}`,
  );
  await refused(
    train,
    { "val/": "train/" },
    `val/cat: expected images of its own but it is the folder train/cat ${twice}`,
  );
  await refused(
    { ...train, ...val },
    { "train/cat/more/": "val/dog/" },
    `val/dog: expected images of its own but it is the folder train/cat/more`,
  );
  const set = await openImageSet(linked({ ...classes(""), "cat/in/z.png": "" }, { "cat/on/": "cat/in/" }), { decode });
  assertEquals(set.notes, ["/sets/some: 1 link leads to folders that are read by another path, and are passed over"]);
});

Deno.test("findImageFiles() finds images at any depth and passes over hidden folders", async () => {
  const leftOut = new LeftOut();
  const files = memoryFolder({ "a/b/c.PNG": "", "d.jpeg": "", ".git/e.png": "", "f.tar.gz": "" });
  assertEquals([await findImageFiles(files, "", leftOut), `${leftOut}`], [["a/b/c.PNG", "d.jpeg"], "1 .gz"]);
});

Deno.test("openImageSet() names the folder that is meant where another was given", async () => {
  const refused = (files: FileSource, message: string) =>
    assertRejects(() => openImageSet(files, { decode }), DataError, message);
  const below = (files: Record<string, string>) => memoryFolder(files);
  await refused(below({ "cifar/data_batch_1.bin": "", "cifar/test_batch.bin": "" }), "give /sets/some/cifar");
  await refused(below({ "FashionMNIST/raw/train-images-idx3-ubyte": "" }), "give /sets/some/FashionMNIST");
  await refused(below(classes("photos/train/")), "there is one in a folder below; give /sets/some/photos");
  await refused(below(classes("photos/")), "give /sets/some/photos");
  const two = { ...classes("a/train/"), ...classes("b/Train/"), "c/notes.txt": "" };
  await refused(below(two), "there are 2 in a folder below; give /sets/some/a or /sets/some/b");
  await refused(within(classes("photos/"), "photos/cat"), "10 images and no folders; put the images of each class");
  const inClass: FileSource = {
    ...within(classes("photos/train/"), "photos/train/cat"),
    parent: within(classes("photos/train/"), "photos/train"),
  };
  await refused(inClass, "but there are 10 images and no folders; if cat and dog are the classes, give /sets");
  await refused(below({ "c/train": "", "c/test": "", "c/meta": "" }), "give /sets/some/c");
});

Deno.test("openImageSet() reads a single split, and says which are beside it", async () => {
  const files = { ...classes("train/"), ...classes("val/", 2) };
  const set = await openImageSet(within(files, "train"), { decode });
  assertEquals([set.train.count, set.validation.count], [16, 4]);
  assertEquals(set.notes, ["/sets/train: val beside it is not read; give /sets for all"]);
  const parent: FileSource = { ...memoryFolder({}), list: () => Promise.reject(new DataError("not allowed")) };
  const alone = await openImageSet({ ...within(files, "train"), parent }, { decode });
  assertEquals([alone.train.count, alone.notes], [16, undefined]);
});

/** IDX files of one image for each of some labels. */
function idxFiles(labels: number): Record<string, Uint8Array> {
  const images = new Uint8Array(16 + labels), names = new Uint8Array(8 + labels);
  images.set([0, 0, 8, 3, 0, 0, 0, labels, 0, 0, 0, 1, 0, 0, 0, 1]);
  names.set([0, 0, 8, 1, 0, 0, 0, labels, ...Array.from({ length: labels }, (_, label) => label)]);
  return Object.fromEntries(["train", "t10k"].flatMap((split) => [
    [`raw/${split}-images-idx3-ubyte`, images],
    [`raw/${split}-labels-idx1-ubyte`, names],
  ]));
}

Deno.test("openImageSet() reads torchvision's raw folders, with the class names of those that are known", async () => {
  const golden = JSON.parse(await Deno.readTextFile(new URL("../../tests/golden/class_names.json", import.meta.url)));
  const numbers = Array.from({ length: 10 }, (_, label) => `${label}`);
  const expected = {
    FashionMNIST: golden.FashionMNIST,
    "fashion-mnist": golden.FashionMNIST,
    KMNIST: golden.KMNIST,
    MNIST: numbers,
  };
  for (const [folder, names] of Object.entries(expected)) {
    const source = { ...memoryFolder(idxFiles(10)), location: `data/${folder}` };
    const { classes, train, validation, name } = await openImageSet(source);
    assertEquals([classes, train.count, validation.count, name], [names, 10, 10, `data/${folder}/raw`]);
  }
  const few = { ...memoryFolder(idxFiles(4)), location: "data/FashionMNIST" };
  assertEquals((await openImageSet(few)).classes, ["0", "1", "2", "3"]);
});

Deno.test("openImageSet() names CIFAR's classes by the folder where no file does", async () => {
  const classesOf = async (location: string, record: number) => {
    const names = record === 3073 ? ["data_batch_1.bin", "test_batch.bin"] : ["train.bin", "test.bin"];
    const files = Object.fromEntries(names.map((name) => [name, new Uint8Array(record)]));
    return await openImageSet({ ...memoryFolder(files), location });
  };
  const ten = await classesOf("data/cifar-10-batches-bin", 3073);
  assertEquals([ten.classes[9], ten.classes.length, ten.mirrorable], ["truck", 10, true]);
  const hundred = await classesOf("CIFAR100", 3074);
  assertEquals([hundred.classes[99], hundred.classes.length, hundred.mirrorable], ["worm", 100, true]);
  assertEquals((await classesOf("cifar100", 3073)).classes[9], "9");
});
