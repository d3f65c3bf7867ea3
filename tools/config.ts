/**
 * Prints the configuration that works on this machine: `deno.json` where JSR answers, else `deno.offline.json`, which maps
 * the bare names to adapters over Deno's own built-ins. It always prints a path.
 */

import { fileURLToPath } from "node:url";

const specifier = "jsr:@std/cli@^1/parse-args";
const root = fileURLToPath(new URL("..", import.meta.url));
const timeout = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 3000));
const reachable = import(specifier).then(() => true, () => false);
console.log(root + (await Promise.race([reachable, timeout]) ? "deno.json" : "deno.offline.json"));
Deno.exit(0);
