/** The layers: imports point down only, through each folder's `mod.ts`; no circles; the library has no dependency. */

import { assertEquals } from "@std/assert";
import { circlesIn, type Import, importsOf, LAYERS } from "./_imports.ts";

const all = new Map((await Promise.all(LAYERS.map(importsOf))).flatMap((imports) => [...imports]));

/** The last of the layers that need no file, no environment and no package. */
const LIBRARY = LAYERS.indexOf("train");

Deno.test("imports point down the layers, through mod.ts, and the library imports nothing else", () => {
  const wrong: string[] = [];
  for (const [path, imports] of all) {
    const layer = path.split("/")[0], level = LAYERS.indexOf(layer);
    for (const { target } of imports) {
      const other = target.split("/")[0];
      if (!target.endsWith(".ts")) {
        if (level <= LIBRARY) wrong.push(`${path} depends on ${target}`);
      } else if (other === layer) {
        if (target === `${layer}/mod.ts`) wrong.push(`${path} imports the mod.ts of its own layer`);
      } else if (LAYERS.indexOf(other) < 0 || LAYERS.indexOf(other) > level) {
        wrong.push(`${path} imports ${target}, which is above it`);
      } else if (target !== `${other}/mod.ts`) wrong.push(`${path} imports ${target} past ${other}/mod.ts`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("the packages of npm are loaded when they are needed: no file imports one that imports a package, types aside", () => {
  const isPackage = ({ target }: Import) => !target.endsWith(".ts") && !/^(?:node:|@std\/)/.test(target);
  const wrappers = [...all].filter(([, imports]) => imports.some(isPackage)).map(([path]) => path);
  const eager = [...all].flatMap(([path, imports]) =>
    imports.filter(({ target, typeOnly }) => !typeOnly && wrappers.includes(target)).map(({ target }) =>
      `${path} imports ${target}`
    )
  );
  assertEquals(eager, []);
  assertEquals([...new Set(wrappers.map((path) => path.split("/")[0]))].sort(), [
    "cli",
    "disk",
    "images",
    "onnx",
    "plots",
  ]);
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
