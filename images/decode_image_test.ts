import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DataError } from "../core/mod.ts";
import sharp, { type Sharp } from "./sharp.ts";
import { decodeImage } from "./decode_image.ts";

/** Encodes raw values [height, width, channels]. */
function image(values: readonly number[] | Uint16Array, width: number, channels: 1 | 2 | 3 | 4): Sharp {
  const data = values instanceof Uint16Array ? values : Uint8Array.from(values);
  return sharp(data, { raw: { width, height: values.length / width / channels, channels } });
}

const random = (count: number) => Array.from({ length: count }, () => Math.floor(Math.random() * 256));

/** The triples of grey values. */
const grey = (...values: number[]) => values.flatMap((value) => [value, value, value]);

async function decoded(encoded: Sharp): Promise<number[]> {
  return [...(await decodeImage(await encoded.toBuffer(), "image")).pixels];
}

async function expectRefusal(bytes: Uint8Array, ...parts: string[]): Promise<void> {
  const error = await assertRejects(() => decodeImage(bytes, "some/file.png"), DataError);
  for (const part of ["some/file.png: ", ...parts]) assertStringIncludes(error.message, part);
  assertEquals(error.message.includes("\n"), false);
}

Deno.test("decodeImage() returns the pixels of a PNG as they are", async () => {
  const values = random(7 * 5 * 3), png = await image(values, 7, 3).png().toBuffer();
  assertEquals(await decodeImage(png, "image"), { width: 7, height: 5, pixels: Uint8Array.from(values) });
});

Deno.test("decodeImage() gives the pixels that PIL gives of every format", async () => {
  const folder = new URL("../tests/golden/images/", import.meta.url);
  const expected: Record<string, { readonly size: number[]; readonly pixels: number[] }> = JSON.parse(
    await Deno.readTextFile(new URL("images.json", folder)),
  );
  for (const [name, { size: [width, height], pixels }] of Object.entries(expected)) {
    const decoded = await decodeImage(await Deno.readFile(new URL(name, folder)), name);
    assertEquals(decoded, { width, height, pixels: Uint8Array.from(pixels) }, name);
  }
  assertEquals(Object.keys(expected).length, 14);
});

Deno.test("decodeImage() makes RGB of grey, palette and 16-bit images", async () => {
  assertEquals(await decoded(image([0, 77, 255], 3, 1).toColourspace("b-w").png()), grey(0, 77, 255));
  const few = [9, 9, 9, 255, 0, 3, 9, 9, 9, 8, 100, 200];
  assertEquals(await decoded(image(few, 2, 3).png({ palette: true })), few);
  const deep = Uint16Array.of(0, 255, 256, 32768, 65279, 65535);
  assertEquals(await decoded(image(deep, 2, 3).toColourspace("rgb16").png()), [0, 0, 1, 128, 254, 255]);
  assertEquals(await decoded(image(deep, 3, 1).toColourspace("grey16").png()), grey(0, 0, 1, 128, 254, 255));
});

Deno.test("decodeImage() lays transparent pixels on white", async () => {
  const clear = [10, 20, 30, 0, 10, 20, 30, 255];
  assertEquals(await decoded(image(clear, 2, 4).png()), [255, 255, 255, 10, 20, 30]);
  assertEquals(await decoded(image(clear, 2, 4).png({ palette: true })), [255, 255, 255, 10, 20, 30]);
  assertEquals(await decoded(image([10, 0, 10, 255], 2, 2).toColourspace("b-w").png()), grey(255, 10));
  const [half] = await decoded(image([0, 0, 0, 51], 1, 4).png());
  assert(Math.abs(half - 204) <= 1, `a fifth of black on white is 204, not ${half}`);
});

Deno.test("decodeImage() reads baseline, progressive, grey and CMYK JPEGs", async () => {
  const flat = Array.from({ length: 16 * 16 }, () => [200, 40, 90]).flat();
  for (const encoded of [image(flat, 16, 3).jpeg(), image(flat, 16, 3).jpeg({ progressive: true })]) {
    const [r, g, b] = await decoded(encoded);
    assert(Math.abs(r - 200) < 4 && Math.abs(g - 40) < 4 && Math.abs(b - 90) < 4, `${[r, g, b]}`);
  }
  const [r, g, b] = await decoded(image(flat, 16, 3).toColourspace("b-w").jpeg());
  assert(r === g && g === b);
  const [cyan, magenta, yellow] = await decoded(image(flat, 16, 3).toColourspace("cmyk").jpeg());
  assert(cyan > 150 && magenta < 90 && Math.abs(yellow - 90) < 40, `${[cyan, magenta, yellow]}`);
});

Deno.test("decodeImage() turns an image upright by its EXIF orientation", async () => {
  // Each orientation says where the stored rows [0 1 2][3 4 5] belong (Exif 2.3, tag 274).
  const upright = ["012345", "210543", "543210", "345012", "031425", "304152", "524130", "251403"];
  for (const [index, order] of upright.entries()) {
    const png = await image(grey(0, 1, 2, 3, 4, 5), 3, 3).withMetadata({ orientation: index + 1 }).png().toBuffer();
    const { width, height, pixels } = await decodeImage(png, "image");
    assertEquals([width, height], index < 4 ? [3, 2] : [2, 3]);
    assertEquals([...pixels], grey(...Array.from(order, Number)), `orientation ${index + 1}`);
  }
});

Deno.test("decodeImage() refuses other formats by name", async () => {
  const text = (value: string) => new TextEncoder().encode(value);
  await expectRefusal(text('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'), "an SVG file");
  await expectRefusal(text("BM and more"), "the file is none of these");
  await expectRefusal(text("%PDF-1.7"), "a PDF file", "convert it to PNG or JPEG");
  await expectRefusal(
    text("hello"),
    "expected an image (PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF) but the file is none of these",
  );
  await expectRefusal(new Uint8Array(0), "the file is empty");
});

Deno.test("decodeImage() refuses truncated and damaged files", async () => {
  const pixels = image(random(40 * 40 * 3), 40, 3);
  const formats = ["png", "jpeg", "webp", "gif", "tiff"] as const;
  for (const file of await Promise.all(formats.map((format) => pixels.clone().toFormat(format).toBuffer()))) {
    for (const share of [0.01, 0.5, 0.9]) {
      await expectRefusal(file.subarray(0, Math.ceil(file.length * share)), "truncated or damaged");
    }
  }
  const damaged = await pixels.clone().png().toBuffer();
  damaged[1000] ^= 255;
  await expectRefusal(damaged, "truncated or damaged");
});

Deno.test("decodeImage() refuses an image of too many pixels before it unpacks them", async () => {
  const png = await image([1, 2, 3], 1, 3).png().toBuffer();
  const header = new DataView(png.buffer, png.byteOffset + 12, 21);
  header.setUint32(4, 30000);
  header.setUint32(8, 20000);
  header.setUint32(17, checksum(png.subarray(12, 29)));
  await expectRefusal(
    png,
    "at most 200 megapixels but it has 30000 x 20000; if it is right, allow it with `maxMegapixels: 600`",
  );
});

/** The CRC-32 of a PNG's chunk. */
function checksum(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}
