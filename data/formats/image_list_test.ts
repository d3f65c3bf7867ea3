import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError, UsageError } from "../../core/mod.ts";
import { memoryFolder } from "../../tests/_memory_folder.ts";
import { type ImageFolderOptions, readImageFolder } from "./folder.ts";
import { type ImageList, openImageList, readImageLists } from "./image_list.ts";

const decode: ImageFolderOptions["decode"] = (bytes) => Promise.resolve({ width: 1, height: 1, pixels: bytes });

/** A list of paths and labels, with their lines after a header. */
function list(...images: readonly (readonly [path: string, label: string])[]): ImageList {
  return { name: "train.csv", images: images.map(([path, label], k) => ({ path, label, line: k + 2 })) };
}

const folder = memoryFolder({
  "a.png": Uint8Array.of(1, 1, 1),
  "b.JPG": Uint8Array.of(2, 2, 2),
  "b.txt": "",
  "deep/c.d.webp": Uint8Array.of(3, 3, 3),
  "twice.png": "",
  "twice.jpg": "",
});

Deno.test("openImageList() finds files without their endings and keeps the order of the list", async () => {
  const { classes, images } = await openImageList(
    folder,
    list(["deep/c.d", "10"], ["b", "9"], ["a.png", "10"]),
    { decode },
  );
  assertEquals([classes, [...images.files], [...images.labels]], [["9", "10"], ["deep/c.d.webp", "b.JPG", "a.png"], [
    1,
    0,
    1,
  ]]);
  assertEquals((await images.read(1)).pixels, Uint8Array.of(2, 2, 2));
  const named = await openImageList(folder, list(["a", "b"], ["b", "a"], ["a", "B"]), { decode });
  assertEquals([named.classes, [...named.images.labels]], [["B", "a", "b"], [2, 1, 0]]);
});

Deno.test("openImageList() says how many images are missing, unclear or incomplete, and names the first", async () => {
  const refused = (images: ImageList, message: string) =>
    assertRejects(() => openImageList(folder, images, { decode }), DataError, message);
  await refused(list(), "train.csv: expected paths of images and their labels but the list is empty");
  await refused(
    list(["x", "1"], ["a", "1"], ["y.png", "1"], ["none/z", "1"], ["v", "1"]),
    "train.csv: 4 images of 5 are not in /sets/some: x in line 2, y.png in line 4, none/z in line 5, …; check `folder`",
  );
  await refused(list(["c.d", "1"]), 'give `folder: "/sets/some/deep"`, where the first one is');
  await refused(list(["a", "1"], ["twice", "1"]), "1 image of 2 may be several files: twice in line 3; for the first");
  await refused(list(["twice", "1"]), "there are twice.jpg and twice.png in /sets/some");
  await refused(list(["a", ""], ["b", "x"]), "1 image of 2 has no label: a in line 2; add it");
  await refused(list(["", "x"], ["", "x"]), "2 images of 2 have no path: line 2, line 3; add it, or take them out");
  const root = { ...folder, list: () => Promise.reject(new DataError("/sets/some: the data folder does not exist")) };
  await assertRejects(() => openImageList(root, list(["a/b", "1"]), { decode }), DataError, "does not exist");
});

/** As many images of each class, in folders. */
function many(count: number): Record<string, string> {
  const paths = ["cat", "dog"].flatMap((name) => Array.from({ length: count }, (_, k) => `${name}/${100 + k}.png`));
  return Object.fromEntries(paths.map((path) => [path, ""]));
}

Deno.test("readImageLists() holds out the share that readImageFolder() does, and trains in the order of the list", async () => {
  const files = memoryFolder(many(10)), paths = Object.keys(many(10));
  const entries = paths.map((path) => [path, path.split("/")[0]] as const);
  const listed = await readImageLists(files, { train: list(...entries.toReversed()) }, { decode });
  const sorted = await readImageLists(files, { train: list(...entries) }, { decode });
  const read = await readImageFolder(files, { decode });
  for (const split of ["train", "validation"] as const) {
    assertEquals([...sorted[split].files], [...read[split].files]);
    assertEquals([...sorted[split].labels], [...read[split].labels]);
  }
  const order = [...listed.train.files];
  assertEquals(order, order.toSorted().toReversed());
  assertEquals([listed.train.count, listed.validation.count, listed.mirrorable], [16, 4, true]);
});

Deno.test("readImageLists() keeps an image that is listed twice on one side", async () => {
  const paths = Object.keys(many(5));
  const twice = [...paths, ...paths].map((path) => [path, path.split("/")[0]] as const);
  const { train, validation, notes } = await readImageLists(
    memoryFolder(many(5)),
    { train: list(...twice) },
    { decode, validationFraction: 0.4 },
  );
  const held = new Set(validation.files);
  assertEquals([train.count, validation.count, held.size, notes], [12, 8, 4, undefined]);
  assert([...train.files].every((path) => !held.has(path)));
});

Deno.test("readImageLists() validates on a list of known classes, and notes what is in both or has two labels", async () => {
  const files = memoryFolder(many(3));
  const train = list(["cat/100", "0"], ["dog/100", "1"], ["cat/101", "0"], ["cat/100", "1"]);
  const val = (...images: [string, string][]) => ({ ...list(...images), name: "val.csv" });
  const set = await readImageLists(files, { train, validation: val(["dog/102", "1"], ["cat/101.png", "0"]) }, {
    decode,
    size: 20,
  });
  assertEquals([set.classes, set.shape, set.mirrorable], [["0", "1"], [3, 20, 20], false]);
  assertEquals([[...set.validation.files], [...set.validation.labels]], [["dog/102.png", "cat/101.png"], [1, 0]]);
  assertEquals(set.notes, [
    "val.csv: 1 image of 2 is trained on too: cat/101.png in line 3",
    "train.csv: 1 image came before with another label: cat/100.png in line 5",
  ]);
  await assertRejects(
    () => readImageLists(files, { train, validation: val(["dog/102", "2"], ["cat/102", "0"]) }, { decode }),
    DataError,
    "val.csv: expected the classes of train.csv but 1 image of 2 has others (2): dog/102.png in line 2; correct the labels",
  );
});

Deno.test("readImageLists() refuses a single class, a label of its own for each image, and a share of all", async () => {
  const files = memoryFolder(many(3));
  const refused = (images: ImageList, message: string) =>
    assertRejects(() => readImageLists(files, { train: images }, { decode }), DataError, message);
  await refused(list(["cat/100", "x"], ["dog/100", "x"]), "at least two classes but all are of the class x");
  await refused(
    list(["cat/100", "0.71"], ["dog/100", "3.2"]),
    "each of 2 images has a label of its own (0.71, 3.2, …)",
  );
  const train = list(["cat/100", "x"], ["dog/100", "y"], ["dog/101", "y"]);
  await assertRejects(
    () => readImageLists(files, { train }, { decode, validationFraction: 1 }),
    UsageError,
    "train.csv",
  );
});
