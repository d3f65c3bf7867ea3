import { assert, assertEquals } from "@std/assert";
import { DecodeBudget } from "./decode_budget.ts";
import { budgetedDecoder, decodeImage, discard } from "./decode_image.ts";
import sharp from "./sharp.ts";

const MIB = 2 ** 20;

Deno.test("DecodeBudget lets no more bytes be held at once than there are, over threads that share its words", async () => {
  const budget = new DecodeBudget(10 * MIB), other = new DecodeBudget(10 * MIB, budget.words);
  let held = 0, most = 0;
  const sizes = [3, 4, 9, 1, 1, 6, 2, 10, 5, 3, 1, 7];
  await Promise.all(sizes.map(async (size, k) => {
    const part = (k % 2 === 0 ? budget : other).reserve();
    await part.hold(size * MIB);
    most = Math.max(most, held += size);
    await new Promise((resolve) => setTimeout(resolve, 3));
    held -= size;
    part.release();
    part.release();
  }));
  assert(most > 4 && most <= 10, `${most} MiB were held at once`);
  assertEquals([budget.free, other.free], [10 * MIB, 10 * MIB]);
});

Deno.test("DecodeBudget gives all of itself to what needs more, and to large ones before small ones that came later", async () => {
  const budget = new DecodeBudget(10 * MIB), small = budget.reserve(), large = budget.reserve(), order: string[] = [];
  await small.hold(6 * MIB);
  const waiting = large.hold(50 * MIB).then(() => order.push("large"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const later = budget.reserve(), last = later.hold(MIB).then(() => order.push("later"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(order, []);
  small.release();
  await waiting;
  assertEquals([order, budget.free], [["large"], 0]);
  large.release();
  await last;
  assertEquals(order, ["large", "later"]);
  // Who holds again gives back what it held.
  await later.hold(10 * MIB);
  later.release();
  assertEquals(budget.free, 10 * MIB);
});

Deno.test("decodeImage() asks for as many bytes as the pixels take, fewer for a JPEG that is read smaller", async () => {
  const pixels = sharp({ create: { width: 900, height: 700, channels: 3, background: "#c83" } });
  const asked: number[] = [], hold = (bytes: number) => Promise.resolve(void asked.push(bytes));
  const png = await pixels.clone().png().toBuffer(), jpeg = await pixels.clone().jpeg().toBuffer();
  const least = { side: 60, pixels: 3600 },
    side = await pixels.clone().withMetadata({ orientation: 6 }).png().toBuffer();
  await decodeImage(png, "a.png", undefined, { hold });
  await decodeImage(side, "a.png", undefined, { hold });
  await decodeImage(await pixels.clone().webp().toBuffer(), "a.webp", undefined, { hold });
  await decodeImage(jpeg, "a.jpg", least, { hold });
  await decodeImage(await pixels.clone().jpeg({ progressive: true }).toBuffer(), "a.jpg", least, { hold });
  const whole = 3 * 900 * 700;
  assertEquals(asked, [whole, 2 * whole, whole + 5 * 900 * 700, whole / 81, whole / 81 + 2 * whole]);
});

Deno.test("budgetedDecoder() gives back what it held, of damaged images too", async () => {
  const budget = new DecodeBudget(MIB), decode = budgetedDecoder("full", budget);
  const png = await sharp({ create: { width: 1000, height: 1000, channels: 3, background: "#000" } }).png().toBuffer();
  const images = [png, png.subarray(0, png.length / 2), png, new Uint8Array(9), png];
  const read = await Promise.all(images.map((bytes) => decode(bytes, "a.png").then(() => "read", () => "refused")));
  assertEquals(read, ["read", "refused", "read", "refused", "read"]);
  assertEquals(budget.free, MIB);
});

Deno.test("discard() frees the pixels of a large image at once", async () => {
  const png = await sharp({ create: { width: 900, height: 900, channels: 3, background: "#000" } }).png().toBuffer();
  const image = await decodeImage(png, "a.png");
  assertEquals(image.pixels.length, 3 * 900 * 900);
  discard(image);
  assertEquals(image.pixels.length, 0);
});
