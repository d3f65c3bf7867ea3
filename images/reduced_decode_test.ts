/** JPEGs that are read smaller, held to what PIL makes of them in full and by its draft mode (`tools/golden_draft.py`). */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError, Random } from "../core/mod.ts";
import { leastSize, resizeAndCrop } from "../data/mod.ts";
import golden from "../tests/golden/draft.json" with { type: "json" };
import { decodeImage, decoderOf } from "./decode_image.ts";

const SHAPE = [3, 32, 32] as const, LEAST = leastSize(SHAPE);

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** The mean and the greatest difference of bytes. */
function difference(a: Uint8Array, b: Uint8Array): [mean: number, most: number] {
  assertEquals(a.length, b.length);
  const differences = Array.from(a, (value, i) => Math.abs(value - b[i]));
  return [differences.reduce((sum, value) => sum + value, 0) / a.length, Math.max(...differences)];
}

Deno.test("decodeImage() reads a JPEG 3, 5 or 9 times smaller, nearer to all of it than PIL's draft mode", async () => {
  const seen = new Set<number>();
  for (const { file, width, height, orientation, full, draft } of golden) {
    const image = await decodeImage(bytesOf(file), "image", LEAST);
    const [w, h] = orientation > 4 ? [height, width] : [width, height], times = Math.floor(w / image.width);
    assertEquals([image.width, image.height], [Math.floor(w / times), Math.floor(h / times)]);
    assert(Math.min(image.width, image.height) >= LEAST.side);
    seen.add(times);
    const exact = bytesOf(full), ours = resizeAndCrop(image, 32, [32, 32]).pixels;
    assertEquals(image.original, { width: w, height: h });
    const [mean, most] = difference(ours, exact), [draftMean, draftMost] = difference(bytesOf(draft), exact);
    assert(mean <= draftMean && most <= draftMost, `${times}: ${mean}, ${most}; PIL ${draftMean}, ${draftMost}`);
  }
  assertEquals([...seen].sort(), [3, 5, 9]);
});

Deno.test("decodeImage() in full gives PIL's bits, whatever size would serve", async () => {
  const decode = decoderOf("full");
  for (const { file, full } of golden) {
    const image = await decode(bytesOf(file), "image", LEAST);
    assertEquals(resizeAndCrop(image, 32, [32, 32]).pixels, bytesOf(full));
  }
});

Deno.test("decodeImage() says the same of a damaged file, in full and smaller, alone and beside others", async () => {
  const random = new Random(6, "damage"), file = bytesOf(golden[0].file), messages = new Set<string>();
  const codes = file.findIndex((byte, i) => byte === 0xff && file[i + 1] === 0xc4) + 4;
  for (let round = 0; round < 24; round++) {
    // Cut off, changed among the coefficients, or without the tables of their codes.
    const damaged = round % 3 === 0
      ? file.slice(0, 300 + random.integer(file.length - 300))
      : file.map((byte, i) =>
        (round % 3 === 1 ? i > 600 && i % 97 === round : i > codes && i < codes + 60) ? 0xff : byte
      );
    const outcome = (bytes: Uint8Array, full: boolean) =>
      decodeImage(bytes, "a.jpg", full ? undefined : LEAST).then(() => "read", (error: Error) => error.message);
    const alone = await outcome(damaged, true);
    const together = await Promise.all([true, false, true, false].map((full) => outcome(damaged, full)));
    assertEquals(together, [alone, alone, alone, alone]);
    messages.add(alone);
  }
  assert([...messages].some((message) => message.includes("(its end is missing)")), [...messages].join("\n"));
  assert([...messages].some((message) => message.includes("cannot be decoded")), [...messages].join("\n"));
  await assertRejects(() => decodeImage(file.subarray(0, 200), "a.jpg", LEAST), DataError, "its end is missing");
});
