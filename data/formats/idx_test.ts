import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../core/mod.ts";
import { concat } from "../../tests/_bytes.ts";
import { memoryFolder } from "../../tests/_memory_folder.ts";
import { readIdx } from "./idx.ts";
import { openImageSet } from "./open.ts";

/** An IDX file of bytes. */
function idx(sizes: number[], bytes: ArrayLike<number>): Uint8Array {
  const file = new Uint8Array(4 + 4 * sizes.length + bytes.length), view = new DataView(file.buffer);
  view.setUint32(0, 0x0800 | sizes.length);
  sizes.forEach((size, k) => view.setUint32(4 + 4 * k, size));
  file.set(Uint8Array.from(bytes), 4 + 4 * sizes.length);
  return file;
}

async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const pixels = Uint8Array.from({ length: 3 * 2 * 5 }, (_, i) => i * 7);
const files = {
  "train-images-idx3-ubyte": idx([3, 2, 5], pixels),
  "train-labels-idx1-ubyte": idx([3], [4, 0, 2]),
  "t10k-images-idx3-ubyte": idx([1, 2, 5], pixels.subarray(10, 20)),
  "t10k-labels-idx1-ubyte": idx([1], [3]),
};
const read = (changed: Record<string, Uint8Array>) => () => readIdx(memoryFolder({ ...files, ...changed }));

Deno.test("readIdx() reads grey images of any size, as many classes as the labels say", async () => {
  const set = await openImageSet(memoryFolder(files));
  assertEquals([set.shape, set.classes, set.mirrorable], [[1, 2, 5], ["0", "1", "2", "3", "4"], false]);
  assertEquals([[...set.train.labels], [...set.validation.labels]], [[4, 0, 2], [3]]);
  assertEquals(await set.train.read(2), { width: 5, height: 2, pixels: pixels.slice(20) });
});

Deno.test("readIdx() reads gzip files, dots before idx, and EMNIST's prefixes", async () => {
  const emnist: Record<string, Uint8Array> = {};
  for (const [name, bytes] of Object.entries(files)) {
    emnist[`emnist-letters-${name.replace("t10k", "test").replace("-idx", ".idx")}.gz`] = await gzip(bytes);
  }
  assertEquals(await readIdx(memoryFolder(emnist)), await readIdx(memoryFolder(files)));
});

Deno.test("readIdx() refuses files that are truncated, of another kind, or do not belong together", async () => {
  const whole = files["train-images-idx3-ubyte"];
  await assertRejects(read({ "train-images-idx3-ubyte": whole.subarray(0, 40) }), DataError, "30 bytes (3x2x5) after");
  await assertRejects(read({ "train-images-idx3-ubyte": whole.subarray(0, 7) }), DataError, "a header of 16 bytes");
  await assertRejects(read({ "train-images-idx3-ubyte": whole.with(2, 9) }), DataError, "but it is 0x00000903");
  await assertRejects(
    read({ "train-labels-idx1-ubyte": whole }),
    DataError,
    "train-labels-idx1-ubyte: expected the magic",
  );
  await assertRejects(
    read({ "train-labels-idx1-ubyte": idx([2], [1, 1]) }),
    DataError,
    "expected 3 labels, as many as",
  );
  await assertRejects(read({ "t10k-labels-idx1-ubyte": idx([1], [5]) }), DataError, "has the label 5, expected 0 to 4");
  await assertRejects(read({ "t10k-images-idx3-ubyte": idx([1, 5, 2], pixels.slice(0, 10)) }), DataError, "of 5x2");
  await assertRejects(read({ "train-labels-idx1-ubyte": idx([0], []) }), DataError, "at least one element");
  const { "t10k-labels-idx1-ubyte": _, ...partial } = files;
  await assertRejects(() => readIdx(memoryFolder(partial)), DataError, "t10k-labels-idx1-ubyte (or");
  const packed = (await gzip(whole)).subarray(0, 20);
  const { "train-images-idx3-ubyte": __, ...others } = files;
  await assertRejects(
    () => readIdx(memoryFolder({ ...others, "train-images-idx3-ubyte.gz": packed })),
    DataError,
    "the gzip file is truncated or damaged",
  );
  await assertRejects(read({ "emnist-digits-train-images-idx3-ubyte": whole }), DataError, "the IDX files of one set");
});

Deno.test("readIdx() unpacks no byte of a gzip file beyond the first that its header does not promise", async () => {
  const name = "train-images-idx3-ubyte", { [name]: whole, ...others } = files;
  // Zeros without an end, and then damage, which only who reads on would find.
  const packed = await gzip(concat(whole, new Uint8Array(2 ** 26)));
  packed.fill(0xff, packed.length >> 1);
  const folder = (bytes: Uint8Array) => memoryFolder({ ...others, [`${name}.gz`]: bytes });
  await assertRejects(
    () => readIdx(folder(packed)),
    DataError,
    `${name}.gz: expected 30 bytes (3x2x5) after the header but there are more; the file is damaged`,
  );
  const one = await gzip(concat(whole, [7])), cut = await gzip(whole.subarray(0, 45));
  await assertRejects(() => readIdx(folder(one)), DataError, "but there are more");
  await assertRejects(() => readIdx(folder(cut)), DataError, "30 bytes (3x2x5) after the header but there are 29");
  await assertRejects(() => readIdx(folder(packed.subarray(0, 9))), DataError, "truncated or damaged");
  // Sizes that no archive of this length can hold take no memory.
  const wide = concat(whole.subarray(0, 4), [0, 0, 0xff, 0xff], [0, 0, 0, 0xff], [0, 0, 0, 0xff]);
  await assertRejects(
    () => gzip(wide).then((bytes) => readIdx(folder(bytes))),
    DataError,
    "but there are 0; the file is truncated",
  );
  new DataView(wide.buffer).setUint32(4, 2 ** 32 - 1);
  await assertRejects(
    () => gzip(wide).then((bytes) => readIdx(folder(bytes))),
    DataError,
    "at most 4294967296 bytes but",
  );
});
