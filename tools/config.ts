/** Prints the path of the configuration that works on this machine, for commands that are no tasks. */

import { fileURLToPath } from "node:url";
import { chooseConfiguration, denoDir } from "./_import_map.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
console.log(await chooseConfiguration(root, denoDir((name) => Deno.env.get(name), Deno.build.os), console.error));
