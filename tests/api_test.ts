/** The public names: an explicit list, short enough to be kept for years. */

import { assert, assertEquals } from "@std/assert";
import { LAYERS } from "./_imports.ts";

/** The most names that the root exports. */
const MOST_NAMES = 130;

const text = await Deno.readTextFile(new URL("../mod.ts", import.meta.url));
const lists = [...text.matchAll(/^export \{([^}]*)\} from "\.\/(\w+)\/mod\.ts";$/gm)].map(([, names, layer]) => ({
  layer,
  names: names.split(",").map((name) => name.replace(/\btype\b/, "").trim()).filter((name) => name !== ""),
}));

Deno.test("the root exports an explicit list of at most 130 names, each of which exists", async () => {
  assertEquals(text.match(/^export/gm)!.length, lists.length, "the root has other exports than lists");
  const names = lists.flatMap((list) => list.names);
  assert(names.length <= MOST_NAMES, `${names.length} names`);
  assertEquals(new Set(names).size, names.length);
  const root = await import("../mod.ts");
  assertEquals(Object.keys(root).filter((name) => !names.includes(name)), []);
});

Deno.test("the names of a list are in the order of the alphabet", () => {
  for (const { layer, names } of lists) {
    const sorted = names.toSorted((a, b) => a.toLowerCase() < b.toLowerCase() ? -1 : 1);
    assertEquals(names, sorted, layer);
  }
});

/** The layers that are no subpath: what other layers share. */
const INNER = ["kernels", "files"];

for (const name of ["deno.json", "deno.offline.json"]) {
  Deno.test(`${name} publishes every layer, and has a subpath for each that is public`, async () => {
    const { exports, publish } = JSON.parse(await Deno.readTextFile(new URL(`../${name}`, import.meta.url)));
    const subpaths = LAYERS.filter((layer) => !INNER.includes(layer))
      .map((layer) => [`./${layer}`, layer === "cli" ? "./cli/main.ts" : `./${layer}/mod.ts`]);
    assertEquals(exports, { ".": "./mod.ts", ...Object.fromEntries(subpaths) });
    assertEquals(["mod.ts", ...LAYERS].filter((part) => !publish.include.includes(part)), []);
    for (const path of Object.values(exports)) assert((await Deno.stat(new URL(`../${path}`, import.meta.url))).isFile);
  });
}

Deno.test("a backend is given back at the end of its block", async () => {
  const { openBackend } = await import("../mod.ts");
  let destroyed = false;
  {
    using backend = await openBackend("cpu", { threads: 1 });
    const destroy = backend.destroy.bind(backend);
    backend.destroy = () => {
      destroyed = true;
      destroy();
    };
    assertEquals(backend.name, "cpu");
  }
  assert(destroyed);
});
