import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../core/mod.ts";
import { type DataIdentity, expectSameData, identifyData, identifyFiles } from "../identity.ts";
import type { ImageSet } from "../dataset.ts";
import { memoryFolder } from "../../tests/_memory_folder.ts";
import type { FileSource } from "./file_source.ts";
import { readImageFolder } from "./folder.ts";

/** Files of a folder, by path, with the times at which they were written. */
type Files = Record<string, { readonly content: string; readonly modified: number; readonly size?: number }>;

const FILES: Files = Object.fromEntries(
  ["train/cat/1.png", "train/cat/2.png", "train/dog/3.png", "train/dog/4.png", "val/cat/5.png", "val/dog/6.png"]
    .map((path, k) => [path, { content: `content ${k}`.repeat(k + 1), modified: 1000 + k }]),
);

/** The set of these files, and the paths that are read. */
async function open(files: Files): Promise<{ readonly set: ImageSet; readonly read: string[] }> {
  const plain = memoryFolder(Object.fromEntries(Object.entries(files).map(([path, { content }]) => [path, content])));
  const read: string[] = [];
  const source: FileSource = {
    ...plain,
    stat(path) {
      const { content, modified, size = content.length } = files[path];
      return Promise.resolve({ bytes: size, modified });
    },
    read: (path) => {
      read.push(path);
      return plain.read(path);
    },
  };
  const decode = () => Promise.resolve({ width: 1, height: 1, pixels: Uint8Array.of(1, 2, 3) });
  return { set: await readImageFolder(source, { decode }), read };
}

/** The files with some of them changed. */
function changed(paths: Record<string, Partial<Files[string]>>): Files {
  return Object.fromEntries(Object.entries(FILES).map(([path, file]) => [path, { ...file, ...paths[path] }]));
}

const known = async () => await identifyFiles((await open(FILES)).set) as NonNullable<DataIdentity["files"]>;

const later = Object.fromEntries(Object.keys(FILES).map((path) => [path, { modified: 9999 }]));

Deno.test("identifyFiles() looks at sizes and times, and reads no content where they are the same", async () => {
  const { set, read } = await open(FILES), first = await known();
  assertEquals(first.map((split) => split?.bytes), [9 * (1 + 2 + 3 + 4), 9 * (5 + 6)]);
  assertEquals(await identifyFiles(set, first), first);
  assertEquals(read, []);
});

Deno.test("identifyFiles() takes files that were written at other times for the same where their content is", async () => {
  const { set, read } = await open(changed(later)), first = await known(), now = await identifyFiles(set, first);
  assertEquals(read.toSorted(), Object.keys(FILES));
  assertEquals(now?.map((split, k) => split?.times === first[k]?.times), [false, false]);
  assertEquals(now?.map((split, k) => split?.content === first[k]?.content), [true, true]);
});

Deno.test("identifyFiles() refuses files of other sizes, and others of the same sizes, and says which they are", async () => {
  const first = await known();
  const refused = async (paths: Record<string, Partial<Files[string]>>, message: string) => {
    const { set } = await open(changed(paths));
    expectSameData(identifyData((await open(FILES)).set), identifyData(set), "the set");
    await assertRejects(() => identifyFiles(set, first), DataError, message);
  };
  await refused(
    { "train/dog/3.png": { content: "x" } },
    "the training images of /sets/some are not those that the run",
  );
  await refused({ "train/dog/3.png": { content: "x" } }, "other sizes (90 bytes in all then, 64 now)");
  await refused(
    { "val/cat/5.png": FILES["val/dog/6.png"], "val/dog/6.png": FILES["val/cat/5.png"] },
    "the validation images of /sets/some are not those that the run was trained on: they have the names that they had but " +
      "other sizes (99 bytes in all, divided otherwise among them)",
  );
  await refused(
    { "train/cat/1.png": { content: "CONTENT 0", modified: 1 } },
    "had but other content, of the same sizes",
  );
});

Deno.test("identifyFiles() reads only a part, evenly spread, of the content of large sets", async () => {
  const MIB = 2 ** 20;
  const { set, read } = await open(
    Object.fromEntries(
      Array.from({ length: 40 }, (_, k) => [
        `train/${k % 2 ? "cat" : "dog"}/${100 + k}.png`,
        { content: "", modified: 0, size: 8 * MIB },
      ]),
    ),
  );
  await identifyFiles({ ...set, validation: { ...set.validation, identifyFiles: undefined } });
  // 64 MiB of 36 images of 8 MiB.
  assertEquals(read.length, 8);
  assertEquals(
    read.map((path) => path.split("/")[1]),
    [..."cccc"].map(() => "cat").concat([..."dddd"].map(() => "dog")),
  );
});

Deno.test("identifyFiles() checks nothing of what an older run or a folder does not know", async () => {
  const { set } = await open(changed({ "train/dog/3.png": { content: "x" } })), first = await known();
  assertEquals((await identifyFiles(set))?.length, 2);
  const decode = () => Promise.resolve({ width: 1, height: 1, pixels: Uint8Array.of(1, 2, 3) });
  const plain = await readImageFolder(memoryFolder({ "a/1.png": "", "a/2.png": "", "b/1.png": "", "b/2.png": "" }), {
    decode,
  });
  assertEquals(await identifyFiles(plain, first), undefined);
});
