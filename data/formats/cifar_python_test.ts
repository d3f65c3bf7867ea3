import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../core/mod.ts";
import { memoryFolder } from "../../tests/_memory_folder.ts";
import type { MemoryDataset } from "../dataset.ts";
import { readCifarPython } from "./cifar_python.ts";
import type { FileSource } from "./file_source.ts";
import { openImageSet } from "./open.ts";

const golden = new URL("../../tests/golden/cifar/", import.meta.url);

/** A folder of files that NumPy and Python's pickle wrote. */
async function folderOf(name: string): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for await (const entry of Deno.readDir(new URL(name, golden))) {
    files[entry.name] = await Deno.readFile(new URL(`${name}/${entry.name}`, golden));
  }
  return files;
}

const named = (files: Record<string, Uint8Array>, name: string): FileSource => ({
  ...memoryFolder(files),
  location: `data/${name}`,
});

async function open(name: string) {
  const { name: _, train, validation, ...rest } = await openImageSet(named(await folderOf(name), name));
  const parts = [train, validation].map((split) => [split.labels, (split as MemoryDataset).pixels]);
  return { ...rest, parts };
}

Deno.test("openImageSet() reads CIFAR-10's Python version as it does the binary one, whichever Python pickled it", async () => {
  const binary = await open("cifar-10-batches-bin");
  assertEquals([binary.parts.map(([labels]) => labels.length), binary.mirrorable], [[3, 1], true]);
  for (const name of ["cifar-10-batches-py", "protocol2", "protocol4", "protocol5"]) {
    assertEquals(await open(name), binary, name);
  }
});

Deno.test("openImageSet() reads CIFAR-100's Python version as it does the binary one, by fine labels", async () => {
  const binary = await open("cifar-100-binary");
  assertEquals([binary.parts.map(([labels]) => labels.length), binary.classes[99]], [[2, 1], "class_99"]);
  assertEquals(await open("cifar-100-python"), binary);
});

Deno.test("readCifarPython() names the classes by the folder where no file does", async () => {
  const { "batches.meta": _, ...files } = await folderOf("cifar-10-batches-py");
  assertEquals((await readCifarPython(named(files, "cifar-10-batches-py"))).classes[9], "truck");
  assertEquals((await readCifarPython(named(files, "some"))).classes[9], "9");
});

Deno.test("readCifarPython() says which file is missing or damaged, and runs nothing", async () => {
  const files = await folderOf("cifar-10-batches-py"), { test_batch: test } = files;
  const refused = (changed: Record<string, Uint8Array>, message: string) =>
    assertRejects(() => openImageSet(memoryFolder({ ...files, ...changed })), DataError, message);
  const { test_batch: _, ...without } = files;
  await assertRejects(() => openImageSet(memoryFolder(without)), DataError, "/sets/some: test_batch is missing");
  await assertRejects(() => openImageSet(memoryFolder({ test_batch: test })), DataError, "data_batch_1 is missing");
  await refused({ test_batch: new Uint8Array() }, "/sets/some/test_batch: expected a pickle but the file is empty");
  await refused({ test_batch: test.subarray(0, 1000) }, "test_batch: its pickle ends in the middle of a value");
  await refused(
    { test_batch: files["batches.meta"] },
    "expected an array of bytes, N x 3072, under data but there is none",
  );
  await refused({ "batches.meta": test }, "batches.meta: expected a list of names under label_names");
  const text = new TextEncoder();
  await refused({ test_batch: text.encode("text") }, "its pickle takes values to a mark that is not there");
  // A call of posix.system, which becomes a placeholder.
  const call = Uint8Array.of(
    0x80,
    2,
    ...text.encode("cposix\nsystem\n"),
    0x55,
    2,
    ...text.encode("ls"),
    0x85,
    0x52,
    0x2e,
  );
  await refused({ test_batch: call }, "test_batch: expected a dictionary");
});

Deno.test("readCifarPython() refuses labels and pixels that do not belong together", async () => {
  const files = await folderOf("protocol4");
  const changed = (from: number[], to: number[]) => {
    const bytes = files.test_batch.slice(),
      at = bytes.findIndex((_, k) => from.every((byte, i) => bytes[k + i] === byte));
    bytes.set(to, at);
    return readCifarPython(memoryFolder({ ...files, test_batch: bytes }));
  };
  const labels = [...new TextEncoder().encode("labels"), 0x94, 0x5d, 0x94, 0x4b];
  await assertRejects(
    () => changed(labels, [...labels, 10]),
    DataError,
    "image 0 has the label 10, expected 0 to 9 for 10",
  );
  // 3072 as two bytes: 3071 columns need another number of bytes.
  await assertRejects(
    () => changed([0x4d, 0, 12], [0x4d, 255, 11]),
    DataError,
    "an array of 1 x 3071 bytes that holds 3072",
  );
  const named = (key: string) => [...new TextEncoder().encode(key)];
  await assertRejects(
    () => changed(named("labels"), named("lebals")),
    DataError,
    "expected a list of labels under labels",
  );
  await assertRejects(() => changed(named("u1"), named("i1")), DataError, "there is one of 1 x 3072 other elements");
});
