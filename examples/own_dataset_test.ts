/** The example runs, and a network learns its set. */

import { assert, assertEquals } from "@std/assert";
import { stripesSet } from "./own_dataset.ts";
import { fileURLToPath } from "node:url";

Deno.test("the set of stripes gives the same image again, and images of several sizes", async () => {
  const { train } = stripesSet, images = await Promise.all([0, 1, 2, 3, 0].map((index) => train.read(index)));
  assertEquals(images[4], images[0]);
  assert(new Set(images.map(({ width, height }) => `${width}x${height}`)).size > 1);
});

Deno.test("own_dataset.ts learns to tell the stripes apart when it is run", async () => {
  const config = fileURLToPath(new URL("../deno.offline.json", import.meta.url));
  const main = fileURLToPath(new URL("own_dataset.ts", import.meta.url));
  const { code, stdout } = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--config", config, main] })
    .output();
  assertEquals(code, 0);
  const percent = Number(/([\d.]+) % of the stripes/.exec(new TextDecoder().decode(stdout))?.[1]);
  assert(percent > 80, `only ${percent} % are right`);
});
