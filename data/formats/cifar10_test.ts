import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../core/mod.ts";
import { readCifar10 } from "./cifar10.ts";
import { memoryFolder as folder } from "../../tests/_memory_folder.ts";
import { openImageSet } from "./open.ts";

const RECORD = 3073;
const CIFAR10 = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";

/** Records of these labels, whose pixels are red = label, green = 100 + label, blue = 200 + label. */
function records(...labels: number[]): Uint8Array {
  const bytes = new Uint8Array(labels.length * RECORD);
  labels.forEach((label, i) => {
    bytes[i * RECORD] = label;
    for (let p = 0; p < 3072; p++) bytes[i * RECORD + 1 + p] = label + 100 * Math.floor(p / 1024);
  });
  return bytes;
}

Deno.test("readCifar10() reads the batches in the order of their numbers, plane by plane", async () => {
  const set = await readCifar10(folder({
    "data_batch_10.bin": records(9),
    "data_batch_2.bin": records(1, 2),
    "test_batch.bin": records(5),
    "batches.meta.txt": CIFAR10,
    "readme.html": "",
  }));
  assertEquals([...set.train.labels], [1, 2, 9]);
  assertEquals([set.train.count, set.validation.count], [3, 1]);
  assertEquals([0, 1023, 1024, 2048, 3072].map((i) => set.train.pixels[i]), [1, 1, 101, 201, 2]);
  assertEquals(set.validation.pixels[2 * 1024], 205);
  assertEquals([set.classes.length, set.classes[9], set.mirrorable], [10, "truck", true]);
});

Deno.test("readCifar10() takes class names from the folder, and numbers without them", async () => {
  const files = { "data_batch_1.bin": records(0), "test_batch.bin": records(1) };
  const letters = await readCifar10(folder({ ...files, "batches.meta.txt": "A\r\nB\r\n\r\n" }));
  assertEquals([letters.classes, letters.mirrorable], [["A", "B"], false]);
  const unnamed = await readCifar10(folder(files));
  assertEquals([unnamed.classes[9], unnamed.classes.length, unnamed.mirrorable], ["9", 10, false]);
});

Deno.test("readCifar10() says which file is missing", async () => {
  await assertRejects(() => readCifar10(folder({ "test_batch.bin": records(1) })), DataError, "data_batch_1.bin");
  await assertRejects(
    () => readCifar10(folder({ "data_batch_1.bin": records(1) })),
    DataError,
    "test_batch.bin is missing",
  );
});

Deno.test("readCifar10() refuses files that are truncated or empty, or hold other labels", async () => {
  const files = { "data_batch_1.bin": records(0), "test_batch.bin": records(1) };
  const read = (changed: Record<string, Uint8Array | string>) => () => readCifar10(folder({ ...files, ...changed }));
  await assertRejects(read({ "data_batch_2.bin": new Uint8Array(5000) }), DataError, "/sets/some/data_batch_2.bin: ");
  await assertRejects(read({ "data_batch_2.bin": new Uint8Array(5000) }), DataError, "5000 bytes");
  await assertRejects(read({ "test_batch.bin": new Uint8Array() }), DataError, "test_batch.bin: expected records");
  await assertRejects(read({ "test_batch.bin": new Uint8Array() }), DataError, "the file is empty");
  await assertRejects(read({ "batches.meta.txt": "\n" }), DataError, "batches.meta.txt: expected a class name a line");
  await assertRejects(
    read({ "test_batch.bin": records(1, 0, 3), "batches.meta.txt": "A\nB\nC\n" }),
    DataError,
    "test_batch.bin: record 2 has the label 3, expected 0 to 2 for 3 classes",
  );
});

Deno.test("openImageSet() recognises a folder by its content, and lists the layouts otherwise", async () => {
  const set = await openImageSet(folder({ "data_batch_1.bin": records(0), "test_batch.bin": records(1) }));
  assertEquals(set.shape, [3, 32, 32]);
  await assertRejects(() => openImageSet(folder({})), DataError, "but found nothing");
  await assertRejects(() => openImageSet(folder({ "a.txt": "" })), DataError, "CIFAR-10's binary layout");
});
