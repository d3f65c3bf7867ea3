/** Files in the tar format of PyTorch before 0.1.2 (`tools/golden_tar_weights.py`). */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DataError, Random } from "../core/mod.ts";
import { decodeCheckpoint } from "../weights/mod.ts";
import { find, patched } from "./_bytes.ts";
import expected from "./golden/weights/tar/expected.json" with { type: "json" };

const folder = new URL("./golden/weights/tar/", import.meta.url), BLOCK = 512;
const golden = (name: string) => Deno.readFileSync(new URL(name, folder));

function refuses(bytes: Uint8Array, ...parts: readonly string[]): void {
  const { message } = assertThrows(() => decodeCheckpoint(bytes, "given.pth"), DataError);
  for (const part of ["given.pth", ...parts]) assertStringIncludes(message, part);
  assert(message.length < 400 && !message.includes("\n"), message);
}

/** Where the header of a file of the archive begins. */
function headerOf(bytes: Uint8Array, name: string): number {
  for (let at = 0; at < bytes.length; at += BLOCK) {
    const text = new TextDecoder().decode(bytes.subarray(at, at + 100)).split("\0")[0];
    if (text === name && bytes[at + 257] === 0x75) return at;
  }
  throw new Error(`no ${name}`);
}

/** Changes bytes of a header, and the sum of its bytes to what it should be then. */
function withHeader(bytes: Uint8Array, name: string, at: number, changed: string): Uint8Array {
  const start = headerOf(bytes, name), copy = bytes.slice(), header = copy.subarray(start, start + BLOCK);
  header.set(new TextEncoder().encode(changed), at);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0).toString(8).padStart(6, "0");
  header.set(new TextEncoder().encode(`${sum}\0 `), 148);
  return copy;
}

for (const [name, tensors] of Object.entries(expected)) {
  Deno.test(`decodeCheckpoint() reads what PyTorch reads of the tar file ${name}`, () => {
    const found = decodeCheckpoint(golden(name), name);
    assertEquals(found.entry, name === "nested.pth" ? "state_dict" : undefined);
    assertEquals(
      Object.fromEntries([...found.tensors].map(([key, { shape, data }]) => [key, { shape, data: [...data] }])),
      tensors,
    );
  });
}

Deno.test("decodeCheckpoint() calls nothing that a tar file names, and says what is missing", () => {
  refuses(golden("hostile.pth"), "fc.weight is an object that posix.system would make, which was not called");
  refuses(golden("incomplete.pth"), "a tar archive as PyTorch's first versions wrote, but without tensors");
  refuses(golden("big_endian.pth"), "big-endian machine, expected little-endian");
  for (const place of [".", folder]) {
    for (const { name } of Deno.readDirSync(place)) assert(name !== "executed", "the pickle was executed");
  }
});

Deno.test("decodeCheckpoint() refuses tar archives that are none of PyTorch's, or damaged", () => {
  const whole = golden("state_dict.pth");
  const other = ["sys_info", "pickle", "tensors", "storages"].reduce<Uint8Array>(
    (bytes, name) => withHeader(bytes, name, 0, `x${name}\0`),
    whole,
  );
  refuses(other, "it is a tar archive, but not one of PyTorch's; unpack it first");
  refuses(withHeader(whole, "tensors", 0, "pickle\0\0"), "holds pickle twice");
  refuses(withHeader(whole, "tensors", 156, "2"), "tensors is no file");
  refuses(withHeader(whole, "storages", 124, "77777777777"), "was cut short in storages");
  refuses(patched(whole, headerOf(whole, "tensors") + 110, [0x37]), "is damaged");
  const time = find(whole, new TextEncoder().encode(" mtime="));
  refuses(patched(whole, time, [...new TextEncoder().encode(" path=a/")]), "long names or sizes");
  // Without the zeros at its end.
  const end = headerOf(whole, "storages") + BLOCK;
  for (let length = BLOCK; length < end + BLOCK; length += 101) refuses(whole.subarray(0, length));
});

Deno.test("decodeCheckpoint() refuses tensors and views that leave their storage in a tar file", () => {
  const whole = golden("state_dict.pth"), table = headerOf(whole, "tensors") + BLOCK;
  // conv1.weight's: the pickles of the count and of the names, then its dimensions.
  const dimensions = find(whole, [4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 3], table);
  refuses(patched(whole, dimensions + 8, [5]), "reaches element 134 of a storage of 108");
  refuses(patched(whole, dimensions, [65]), "its tensors has a tensor of 65 dimensions");
  refuses(patched(whole, dimensions + 15, [0x80]), "out of its range");
  const nested = golden("nested.pth"), storages = headerOf(nested, "storages") + BLOCK;
  // The view of 7 elements from 17 on.
  const view = find(nested, [0x4b, 17, 0x4b, 7], storages);
  refuses(patched(nested, view + 1, [18]), "has a view that leaves its storage");
  const count = find(whole, [0x4b, 8, 0x2e], table);
  refuses(patched(whole, count + 1, [9]), "its tensors ");
  refuses(patched(whole, count + 1, [7]), "refers to a tensor that the file lacks");
});

Deno.test("decodeCheckpoint() reads or refuses a tar file with any byte changed", () => {
  const random = new Random(4);
  let refused = 0;
  for (const name of ["state_dict.pth", "python2.pth", "nested.pth"]) {
    const whole = golden(name);
    for (let k = 0; k < 1500; k++) {
      const bytes = whole.slice();
      for (let n = 1 + random.integer(3); n > 0; n--) bytes[random.integer(bytes.length)] = random.integer(256);
      try {
        decodeCheckpoint(bytes, name);
      } catch (error) {
        assert(error instanceof DataError, `${k}: ${(error as Error).stack}`);
        refused++;
      }
    }
  }
  assert(refused > 1000, `${refused}`);
});
