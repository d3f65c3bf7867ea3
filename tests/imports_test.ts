/** The layers: imports point down only, through each folder's `mod.ts`, and the library has no dependency. */

import { assertEquals } from "@std/assert";

const LAYERS = ["core", "ops", "blocks", "models", "data", "train", "cli"];
const root = new URL("..", import.meta.url);

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory && entry.name !== "assembly") yield* sources(path);
    else if (entry.name.endsWith(".ts") && !entry.name.endsWith("_test.ts")) yield path;
  }
}

Deno.test("imports point down the layers, through mod.ts, and the library imports nothing else", async () => {
  const wrong: string[] = [];
  for (const [level, layer] of LAYERS.entries()) {
    for await (const path of sources(layer)) {
      const text = await Deno.readTextFile(new URL(path, root));
      for (const [, specifier] of text.matchAll(/^(?:import|export|\}) .*?from "([^"]+)";$/gm)) {
        if (!specifier.startsWith(".")) {
          if (layer !== "cli") wrong.push(`${path} depends on ${specifier}`);
          continue;
        }
        const target = new URL(specifier, new URL(path, root)).pathname.slice(root.pathname.length);
        const other = target.split("/")[0];
        if (other === layer) continue;
        if (LAYERS.indexOf(other) < 0 || LAYERS.indexOf(other) > level) {
          wrong.push(`${path} imports ${target}, which is above it`);
        } else if (target !== `${other}/mod.ts`) wrong.push(`${path} imports ${target} past ${other}/mod.ts`);
      }
    }
  }
  assertEquals(wrong, []);
});
