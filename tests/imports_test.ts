/** The layers: imports point down only, through each folder's `mod.ts`; no circles; the library has no dependency. */

import { assertEquals } from "@std/assert";
import { circlesIn, type Import, importsOf, LAYERS } from "./_imports.ts";

const all = new Map((await Promise.all(LAYERS.map(importsOf))).flatMap((imports) => [...imports]));

Deno.test("imports point down the layers, through mod.ts, and the library imports nothing else", () => {
  const wrong: string[] = [];
  for (const [path, imports] of all) {
    const layer = path.split("/")[0], level = LAYERS.indexOf(layer);
    for (const { target } of imports) {
      const other = target.split("/")[0];
      if (!target.endsWith(".ts")) {
        if (layer !== "cli") wrong.push(`${path} depends on ${target}`);
      } else if (other === layer) {
        if (target === `${layer}/mod.ts`) wrong.push(`${path} imports the mod.ts of its own layer`);
      } else if (LAYERS.indexOf(other) < 0 || LAYERS.indexOf(other) > level) {
        wrong.push(`${path} imports ${target}, which is above it`);
      } else if (target !== `${other}/mod.ts`) wrong.push(`${path} imports ${target} past ${other}/mod.ts`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("no files import each other in a circle, types aside", () => {
  assertEquals(circlesIn(all), []);
});

Deno.test("circlesIn() finds a circle and leaves out those of types", () => {
  const from = (target: string, typeOnly = false): Import[] => [{ target, typeOnly }];
  const circle = new Map([["a", from("b")], ["b", from("c")], ["c", from("b")]]);
  assertEquals(circlesIn(circle), ["b → c → b"]);
  assertEquals(circlesIn(new Map([["a", from("b")], ["b", from("a", true)]])), []);
});
