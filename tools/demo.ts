/**
 * `deno task demo [--port N]`: bundles the example page into `dist/demo`, whose files any server of static files can serve,
 * and serves it on this machine alone, isolated, so that the CPU backend has threads.
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { sizeText } from "./_bundle.ts";
import { buildDemo, demoHandler, ISOLATION } from "./_demo_files.ts";

const HELP = `deno task demo [--port N]

Serves a page that trains a network on your photos in the browser, on this machine alone.

  --port N   the port, from 0 to 65535; 0 takes one that is free; defaults to 8010
  --help     this text`;

const root = fileURLToPath(new URL("..", import.meta.url)), folder = "dist/demo/";

/** Ends with a sentence. */
function fail(message: string, code: number): never {
  console.error(`error: ${message}`);
  Deno.exit(code);
}

function portOf(args: readonly string[]): number | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { port: { type: "string", default: "8010" }, help: { type: "boolean", short: "h" } },
    });
    if (values.help) return undefined;
    const port = Number(values.port);
    if (/^\d+$/.test(values.port) && port <= 65_535) return port;
    return fail(`--port: expected a whole number from 0 to 65535 but ${values.port} came`, 2);
  } catch (error) {
    return fail(`${(error as Error).message.split(". ")[0]}; see --help`, 2);
  }
}

const port = portOf(Deno.args);
if (port === undefined) {
  console.log(HELP);
  Deno.exit(0);
}
const files = await buildDemo();
await Deno.mkdir(root + folder, { recursive: true });
await Promise.all([...files].map(([name, text]) => Deno.writeTextFile(root + folder + name, text)));
for (const name of files.keys()) {
  if (name.endsWith(".js")) console.log(`${folder}${name}: ${await sizeText(files.get(name)!)}`);
}
try {
  Deno.serve({
    hostname: "127.0.0.1",
    port,
    onListen: ({ port }) => console.log(`Serving at http://127.0.0.1:${port}/; Ctrl-C stops`),
  }, demoHandler(files, ISOLATION));
} catch (error) {
  if (!(error instanceof Deno.errors.AddrInUse)) throw error;
  fail(`--port: ${port} is in use; give another, or 0 for one that is free`, 1);
}
