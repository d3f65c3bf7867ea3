/**
 * `deno run -RW --allow-run --no-config tools/lock.ts`, which is no task since no task starts while a lock lacks something.
 * Writes the lock files anew, after a dependency was added or changed: `deno.offline.lock` from the npm registry, and
 * `deno.lock` from JSR too where it answers. Where it does not, `deno.lock` gets the npm packages and keeps what it has of
 * JSR's. What only developers run, and Dawn, have locks of their own. Everything else refuses what the locks do not have.
 * What a lock has stays as it is; to take newer versions of what packages depend on, remove `deno.offline.lock` first.
 */

import { fileURLToPath } from "node:url";
import { type LockFile, withNpmOf } from "./_lock_file.ts";
import { DAWN_LOCKS, npmSpecifiers, OWN_LOCKS, sourceFiles, WITHOUT_LOCK } from "./_sources.ts";

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

/** Writes a lock as Deno does. */
async function writeLock(name: string, content: LockFile): Promise<void> {
  const text = JSON.stringify(content, null, 2).replace(
    /"(os|cpu)": \[([^\]]*)\]/g,
    (_, name, values) => `"${name}": [${values.trim().split(/,\s*/).join(", ")}]`,
  );
  await Deno.writeTextFile(root + name, `${text}\n`);
}

/** The configuration of the example's notebook. */
const NOTEBOOK = "examples/notebook/deno.json";

const files = (await sourceFiles()).filter((path) => !path.startsWith(WITHOUT_LOCK) && !Object.hasOwn(OWN_LOCKS, path));
const roots = [...files, ...await npmSpecifiers(files)];
const dawnLocks = Object.values(DAWN_LOCKS);
for (const [source, path] of Object.entries(OWN_LOCKS)) {
  if (dawnLocks.includes(path)) continue;
  if (!await lock(["--no-config", "--lock", path], await npmSpecifiers([source]))) Deno.exit(1);
  console.log(`${path} is written`);
}
const before = await readLock("deno.lock");
if (!await lock(["--config", "deno.offline.json"], roots)) Deno.exit(1);
console.log("deno.offline.lock is written");
await writeLock("deno.lock", withNpmOf(before, await readLock("deno.offline.lock")));
if (await lock(["--config", "deno.json"], roots)) console.log("deno.lock is written");
else console.log("deno.lock has the npm packages; JSR did not answer, so its packages there are as they were");

// The kernel of Jupyter takes no flags, so that the notebook has a configuration of its own.
const plots = await npmSpecifiers(files.filter((path) => path.startsWith("plots/")));
if (!await lock(["--config", NOTEBOOK], plots)) Deno.exit(1);
console.log("the lock of the notebook is written");

const [dawnSource] = Object.keys(OWN_LOCKS).filter((source) => dawnLocks.includes(OWN_LOCKS[source]));
const offline = DAWN_LOCKS["deno.offline.json"], online = DAWN_LOCKS["deno.json"];
await Deno.copyFile(`${root}deno.offline.lock`, root + offline);
const dawnRoots = [...roots, ...await npmSpecifiers([dawnSource])];
if (!await lock(["--config", "deno.offline.json", "--lock", offline], dawnRoots)) Deno.exit(1);
await writeLock(online, withNpmOf(await readLock("deno.lock"), await readLock(offline)));
console.log(`${offline} and ${online} are written`);
