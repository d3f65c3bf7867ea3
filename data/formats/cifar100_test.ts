import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../core/mod.ts";
import { memoryFolder } from "../../tests/_memory_folder.ts";
import { readCifar100 } from "./cifar100.ts";
import { openImageSet } from "./open.ts";

const RECORD = 3074;

/** Records of these fine labels under the coarse label 250, whose pixels are all the fine label. */
function records(...labels: number[]): Uint8Array {
  const bytes = new Uint8Array(labels.length * RECORD);
  labels.forEach((label, i) => bytes.fill(label, i * RECORD, (i + 1) * RECORD)[i * RECORD] = 250);
  return bytes;
}

Deno.test("readCifar100() takes the fine labels and their names", async () => {
  const names = Array.from({ length: 100 }, (_, i) => `name ${i}`).join("\n");
  const set = await openImageSet(memoryFolder({
    "train.bin": records(3, 99),
    "test.bin": records(42),
    "fine_label_names.txt": names,
    "coarse_label_names.txt": "a\nb\n",
  }));
  assertEquals([[...set.train.labels], [...set.validation.labels]], [[3, 99], [42]]);
  assertEquals([set.classes.length, set.classes[99], set.mirrorable], [100, "name 99", false]);
  assertEquals((await set.train.read(1)).pixels, new Uint8Array(3072).fill(99));
});

Deno.test("readCifar100() says what is missing, truncated or out of range", async () => {
  const files = { "train.bin": records(0), "test.bin": records(1) };
  const read = (changed: Record<string, Uint8Array>) => () => readCifar100(memoryFolder({ ...files, ...changed }));
  await assertRejects(() => readCifar100(memoryFolder({ "test.bin": records(1) })), DataError, "train.bin is missing");
  await assertRejects(() => readCifar100(memoryFolder({ "train.bin": records(1) })), DataError, "test.bin is missing");
  await assertRejects(read({ "test.bin": new Uint8Array(3073) }), DataError, "3074 bytes (2 labels and 3072 pixels)");
  await assertRejects(
    read({ "train.bin": records(5, 100) }),
    DataError,
    "record 1 has the label 100, expected 0 to 99",
  );
});
