import { assert, assertEquals } from "@std/assert";
import { Random } from "../../core/mod.ts";
import { cacheEntries, ImageCache } from "../mod.ts";

function image(random: Random) {
  const width = 1 + random.integer(20), height = 1 + random.integer(20);
  const pixels = Uint8Array.from({ length: 3 * width * height }, () => random.integer(256));
  const original = { width: 3 * width + random.integer(3), height: 3 * height };
  return random.integer(2) === 0 ? { width, height, pixels } : { width, height, pixels, original };
}

Deno.test("ImageCache gives back the bytes that it has room for, in two sets that share memory, and no others", () => {
  const random = new Random(2, "cache"), bytes = new Uint8Array(20_000), taken = new Int32Array(1);
  const caches = [0, 1].map(() => new ImageCache({ bytes, taken, entries: cacheEntries(50) }));
  const images = caches.map(() => Array.from({ length: 50 }, () => image(random)));
  for (let k = 0; k < 50; k++) for (const [set, cache] of caches.entries()) cache.put(k, images[set][k]);
  let kept = 0;
  for (const [set, cache] of caches.entries()) {
    for (let k = 0; k < 50; k++) {
      const found = cache.get(k);
      if (found === undefined) continue;
      assertEquals(found, images[set][k]);
      kept += found.pixels.length;
      found.pixels.fill(0);
      assertEquals(cache.get(k), images[set][k], "what it gives is a copy");
    }
  }
  assert(kept > 15_000 && kept <= 20_000, `${kept}`);
});

Deno.test("ImageCache keeps the first of two images of an index", () => {
  const random = new Random(3, "cache"), first = image(random);
  const cache = new ImageCache({
    bytes: new Uint8Array(4000),
    taken: new Int32Array(1),
    entries: cacheEntries(1),
  });
  assertEquals(cache.get(0), undefined);
  cache.put(0, first);
  cache.put(0, image(random));
  assertEquals(cache.get(0), first);
});
