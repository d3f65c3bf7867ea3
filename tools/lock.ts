/**
 * Writes both lock files anew, after a dependency was added or changed: `deno.offline.lock` from the npm registry, and
 * `deno.lock` from JSR too where it answers. Where it does not, `deno.lock` gets the npm packages and keeps what it has of
 * JSR's. Everything else refuses what the locks do not have.
 */

import { fileURLToPath } from "node:url";
import { type LockFile, withNpmOf } from "./_lock_file.ts";
import { npmSpecifiers, sourceFiles } from "./_sources.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Resolves all sources and specifiers with a configuration, and writes its lock. */
async function lock(config: string, roots: readonly string[]): Promise<boolean> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", "--frozen=false", "--config", config, ...roots],
    cwd: root,
  }).output();
  if (code !== 0) console.error(new TextDecoder().decode(stderr).trim());
  return code === 0;
}

async function readLock(name: string): Promise<LockFile> {
  return JSON.parse(await Deno.readTextFile(root + name));
}

const files = (await sourceFiles()).filter((path) => !path.startsWith("bench/cpu/peers/"));
const roots = [...files, ...await npmSpecifiers(files)];
if (!await lock("deno.offline.json", roots)) Deno.exit(1);
console.log("deno.offline.lock is written");
if (await lock("deno.json", roots)) console.log("deno.lock is written");
else {
  const merged = withNpmOf(await readLock("deno.lock"), await readLock("deno.offline.lock"));
  await Deno.writeTextFile(`${root}deno.lock`, `${JSON.stringify(merged, null, 2)}\n`);
  console.log("deno.lock has the npm packages; JSR did not answer, so its packages there are as they were");
}
