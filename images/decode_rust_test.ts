import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../core/mod.ts";
import { decodeImage } from "./decode_image.ts";
import { isAvif, isBmp } from "./decode_rust.ts";

const golden = new URL("../tests/golden/", import.meta.url);

/** What PIL makes of files: the size and the pixels of each. */
async function expectedOf(folder: string): Promise<[name: string, size: number[], pixels: number[]][]> {
  const expected: Record<string, { readonly size: number[]; readonly pixels: number[] }> = JSON.parse(
    await Deno.readTextFile(new URL(`${folder}/${folder}.json`, golden)),
  );
  return Object.entries(expected).map(([name, { size, pixels }]) => [name, size, pixels]);
}

const read = (path: string) => Deno.readFile(new URL(path, golden));

/** The greatest difference of a decoded file to those pixels. */
async function difference(path: string, size: number[], pixels: number[]): Promise<number> {
  const decoded = await decodeImage(await read(path), path);
  assertEquals([decoded.width, decoded.height, decoded.pixels.length], [...size, pixels.length], path);
  return Math.max(...pixels.map((value, k) => Math.abs(value - decoded.pixels[k])));
}

Deno.test("decodeImage() gives the pixels that PIL gives of BMP files of every kind", async () => {
  const files = await expectedOf("bmp");
  for (const [name, size, pixels] of files) {
    // PIL cuts five bits off to the eight below, where this decoder rounds.
    const most = name.startsWith("rgb5") ? 1 : 0, found = await difference(`bmp/${name}`, size, pixels);
    assert(found <= most, `${name} differs by ${found}`);
  }
  assertEquals(files.length, 12);
});

Deno.test("decodeImage() gives the pixels that PIL gives of AVIF files to within one, or three of halved colours, and upright", async () => {
  const files = await expectedOf("avif");
  for (const [name, size, pixels] of files) {
    const found = await difference(`avif/${name}`, size, pixels);
    // Between the pixels of halved colours, PIL's library interpolates with fewer bits.
    assert(found <= (name === "halved.avif" ? 3 : 1), `${name} differs by ${found}`);
  }
  assertEquals(files.length, 7);
});

Deno.test("decodeImage() refuses damaged BMP and AVIF files, and HEIC by its name", async () => {
  for (const path of ["bmp/rgb.bmp", "bmp/palette4.bmp", "avif/full.avif", "avif/turned6.avif"]) {
    const bytes = await read(path);
    for (const share of [0.5, 0.9]) {
      await assertRejects(
        () => decodeImage(bytes.subarray(0, Math.ceil(share * bytes.length)), path),
        DataError,
        `${path}: the image is truncated or damaged`,
      );
    }
  }
  const heic = (brands: string) => new TextEncoder().encode(`\0\0\0\x18ftyp${brands}`);
  await assertRejects(
    () => decodeImage(heic("heic\0\0\0\0mif1heic"), "a.heic"),
    DataError,
    "is a HEIC image; convert it",
  );
  await assertRejects(() => decodeImage(heic("mp42\0\0\0\0isommp42"), "a.heic"), DataError, "a HEIF image or a video");
  await assertRejects(() => decodeImage(heic("avis\0\0\0\0avifavis"), "a.avif"), DataError, "AVIF image of several");
  const huge = (await read("bmp/rgb.bmp")).slice();
  new DataView(huge.buffer).setInt32(18, 30000, true);
  new DataView(huge.buffer).setInt32(22, 20000, true);
  await assertRejects(
    () => decodeImage(huge, "huge.bmp"),
    DataError,
    "at most 200 megapixels but it has 30000 x 20000",
  );
});

Deno.test("isBmp() and isAvif() know files by their headers", async () => {
  assert(isBmp(await read("bmp/os2.bmp")) && !isBmp(new TextEncoder().encode("BM and more of a text")));
  assert(isAvif(await read("avif/full.avif")));
  // Of a MIAF file, only the brands that follow say which codec it has.
  const brands = (text: string) => new TextEncoder().encode(`\0\0\0\x1cftypmif1\0\0\0\0${text}`);
  assert(isAvif(brands("mif1avif")) && !isAvif(brands("mif1heic")));
});
