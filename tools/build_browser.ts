/** `deno task build:browser`: the library as one minified ES module for pages, and how large it is. */

import { fileURLToPath } from "node:url";
import { bundle, sizeText } from "./_bundle.ts";

const root = fileURLToPath(new URL("..", import.meta.url)), folder = "dist/browser/";
const text = await bundle(`${root}tools/browser_entry.ts`);
await Deno.mkdir(root + folder, { recursive: true });
await Deno.writeTextFile(`${root}${folder}residua.js`, text);
console.log(`${folder}residua.js: ${await sizeText(text)}`);
