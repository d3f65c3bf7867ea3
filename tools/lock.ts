/**
 * `deno run -RW --allow-run --no-config tools/lock.ts`, which is no task since no task starts while a lock lacks something.
 * Writes the lock files anew, after a dependency was added or changed: `deno.offline.lock` from the npm registry, and
 * `deno.lock` from JSR too where it answers. Where it does not, `deno.lock` gets the npm packages and keeps what it has of
 * JSR's. What only developers run has locks of its own. Everything else refuses what the locks do not have.
 * What a lock has stays as it is; to take newer versions of what packages depend on, remove `deno.offline.lock` first.
 */

import { fileURLToPath } from "node:url";
import { type LockFile, withNpmOf } from "./_lock_file.ts";
import { npmSpecifiers, OWN_LOCKS, sourceFiles, WITHOUT_LOCK } from "./_sources.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Resolves sources and specifiers, and writes the lock. */
async function lock(flags: readonly string[], roots: readonly string[]): Promise<boolean> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", "--frozen=false", "--node-modules-dir=none", ...flags, ...roots],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  if (code !== 0) console.error(new TextDecoder().decode(stderr).trim());
  return code === 0;
}

async function readLock(name: string): Promise<LockFile> {
  return JSON.parse(await Deno.readTextFile(root + name));
}

const files = (await sourceFiles()).filter((path) => !path.startsWith(WITHOUT_LOCK) && !Object.hasOwn(OWN_LOCKS, path));
const roots = [...files, ...await npmSpecifiers(files)];
for (const [source, path] of Object.entries(OWN_LOCKS)) {
  if (!await lock(["--no-config", "--lock", path], await npmSpecifiers([source]))) Deno.exit(1);
  console.log(`${path} is written`);
}
const before = await readLock("deno.lock");
if (!await lock(["--config", "deno.offline.json"], roots)) Deno.exit(1);
console.log("deno.offline.lock is written");
const merged = withNpmOf(before, await readLock("deno.offline.lock"));
// As Deno writes it.
const text = JSON.stringify(merged, null, 2).replace(
  /"(os|cpu)": \[([^\]]*)\]/g,
  (_, name, values) => `"${name}": [${values.trim().split(/,\s*/).join(", ")}]`,
);
await Deno.writeTextFile(`${root}deno.lock`, `${text}\n`);
if (await lock(["--config", "deno.json"], roots)) console.log("deno.lock is written");
else console.log("deno.lock has the npm packages; JSR did not answer, so its packages there are as they were");
