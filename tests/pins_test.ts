/** Everything that runs is pinned with its integrity, on both import maps, and the two agree. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type LockedPackage, type LockFile, withNpmOf } from "../tools/_lock_file.ts";
import { inlineSpecifiers, OWN_LOCKS, sourceFiles, WITHOUT_LOCK } from "../tools/_sources.ts";

const root = new URL("../", import.meta.url);

/** A configuration of Deno, as far as it is read here. */
interface Configuration {
  readonly imports?: Readonly<Record<string, string>>;
  readonly workspace?: readonly string[];
  readonly lock?: { readonly path: string; readonly frozen: boolean };
}

async function read<T>(path: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(new URL(path, root)));
}

/** The import maps of a configuration and of the members of its workspace, by the folder they hold for. */
async function mapsOf(config: string): Promise<Map<string, Readonly<Record<string, string>>>> {
  const { imports = {}, workspace = [] } = await read<Configuration>(config), maps = new Map([["", imports]]);
  for (const member of workspace) {
    const folder = `${member.replace("./", "")}/`;
    maps.set(folder, (await read<Configuration>(`${folder}deno.json`)).imports ?? {});
  }
  return maps;
}

const online = await mapsOf("deno.json"), offline = await mapsOf("deno.offline.json");
const lock = await read<LockFile>("deno.lock"), offlineLock = await read<LockFile>("deno.offline.lock");
const files = await sourceFiles();

/** A package and what of it: of `npm:@scope/name@1.2.3/path` the registry, the name and the version. */
function parse(specifier: string): { readonly registry: string; readonly name: string; readonly version?: string } {
  const { registry, name, version } =
    /^(?<registry>npm|jsr):(?<name>(?:@[^/@]+\/)?[^/@]+)(?:@(?<version>[^/]+))?(?:\/.*)?$/
      .exec(specifier)!.groups!;
  return { registry, name, version };
}

/** The packages of a lock that a specifier leads to, with all that they depend on. */
function closure({ specifiers, ...lock }: LockFile, specifier: string): Map<string, LockedPackage> {
  const { registry, name, version } = parse(specifier), packages = lock[registry as "npm" | "jsr"] ?? {};
  // Deno writes ^1 as 1.
  const asked = `${registry}:${name}${version === undefined ? "" : `@${version.replace(/^\^(\d+)$/, "$1")}`}`;
  assert(asked in specifiers, `no lock says which version ${specifier} is; run tools/lock.ts, as it says`);
  const found = new Map<string, LockedPackage>(), waiting = [`${name}@${specifiers[asked]}`];
  const names = Object.keys(packages);
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (found.has(key)) continue;
    assert(key in packages, `${specifier} needs ${key}, which the lock does not have`);
    found.set(key, packages[key]);
    for (const needed of [...packages[key].dependencies ?? [], ...packages[key].optionalDependencies ?? []]) {
      const bare = needed.replace(/^jsr:/, "");
      const choices = names.filter((other) => other === bare || other.slice(0, other.indexOf("@", 1)) === bare);
      assertEquals(choices.length, 1, `${key} needs ${needed}, and the lock has ${choices}`);
      waiting.push(choices[0]);
    }
  }
  return found;
}

Deno.test("both configurations have a lock of their own, and refuse what it lacks", async () => {
  assertEquals((await read<Configuration>("deno.json")).lock, { path: "deno.lock", frozen: true });
  assertEquals((await read<Configuration>("deno.offline.json")).lock, { path: "deno.offline.lock", frozen: true });
});

Deno.test("both maps have the same names, and the same version of every package of npm", async () => {
  assertEquals([...online.keys()], [...offline.keys()]);
  for (const [folder, map] of online) {
    const other = offline.get(folder)!;
    assertEquals(Object.keys(map).sort(), Object.keys(other).sort(), folder);
    for (const [name, specifier] of Object.entries(map)) {
      if (specifier.startsWith("npm:")) assertEquals(other[name], specifier);
      else {
        assertMatch(specifier, /^jsr:@std\//);
        // What stands in for it is a file of the repository.
        assert((await Deno.stat(new URL(other[name], root))).isFile);
      }
    }
  }
});

Deno.test("every name that a source imports is in both maps", async () => {
  // Of statements and of types; a name that is no path and has no registry before it.
  const names = /(?:\bfrom\s*|\bimport\s*\(\s*|^import\s+)"((?:@[\w.-]+\/)?[\w-][\w./-]*)"/gm, missing: string[] = [];
  for (const file of files) {
    const code = (await Deno.readTextFile(new URL(file, root))).replace(/^\s*\*.*$/gm, "");
    for (const [, name] of code.matchAll(names)) {
      for (const maps of [online, offline]) {
        const known = [...maps].some(([folder, map]) => (folder === "" || file.startsWith(folder)) && name in map);
        if (!known && !name.startsWith("@residua/residua")) missing.push(`${file}: ${name}`);
      }
    }
  }
  assertEquals(missing, []);
});

Deno.test("every package of the maps and of the sources is exact, and locked with its integrity and all it depends on", async () => {
  const mapped = [...online.values(), ...offline.values()].flatMap((map) => Object.values(map));
  const specifiers = mapped.filter((specifier) => /^(npm|jsr):/.test(specifier)), used = new Set<string>();
  const inline = await inlineSpecifiers(files.filter((file) => !file.startsWith(WITHOUT_LOCK)));
  const check = (specifier: string, locks: readonly LockFile[]) => {
    const { registry, version } = parse(specifier);
    if (registry === "npm") assertMatch(version ?? "", /^\d+\.\d+\.\d+$/, `${specifier} is not exact`);
    for (const lock of locks) {
      for (const [key, { integrity }] of closure(lock, specifier)) {
        assertMatch(integrity, registry === "npm" ? /^sha512-[\w+/]{86}==$/ : /^[0-9a-f]{64}$/, key);
        used.add(key);
      }
    }
  };
  assert(specifiers.length >= 7);
  for (const specifier of specifiers) check(specifier, specifier.startsWith("jsr:") ? [lock] : [lock, offlineLock]);
  for (const [specifier, file] of inline) {
    const own = OWN_LOCKS[file];
    check(specifier, own === undefined ? [lock, offlineLock] : [await read<LockFile>(own)]);
  }
  // And no lock has what nothing needs.
  for (
    const { npm = {}, jsr = {} } of [
      lock,
      offlineLock,
      ...await Promise.all(Object.values(OWN_LOCKS).map(read<LockFile>)),
    ]
  ) {
    assertEquals(Object.keys({ ...npm, ...jsr }).filter((key) => !used.has(key)), []);
  }
});

Deno.test("both locks have the same packages of npm, with the same integrity", () => {
  assertEquals(lock.npm, offlineLock.npm);
  assertEquals(offlineLock.jsr, undefined);
});

Deno.test("withNpmOf() takes npm's packages from the other lock and keeps JSR's", () => {
  const jsr = { "@std/x@1.0.0": { integrity: "ab" } }, old = { "a@1.0.0": { integrity: "old" } };
  const npm = { "a@2.0.0": { integrity: "new" } };
  const merged = withNpmOf(
    {
      version: "5",
      specifiers: { "jsr:@std/x@1": "1.0.0", "npm:a@1.0.0": "1.0.0" },
      jsr,
      npm: old,
      workspace: { dependencies: ["jsr:@std/x@1", "npm:a@1.0.0"], members: { old: {} } },
    },
    {
      version: "5",
      specifiers: { "npm:a@2.0.0": "2.0.0" },
      npm,
      workspace: { dependencies: ["npm:a@2.0.0"], members: { m: {} } },
    },
  );
  assertEquals(merged, {
    version: "5",
    specifiers: { "jsr:@std/x@1": "1.0.0", "npm:a@2.0.0": "2.0.0" },
    jsr,
    npm,
    workspace: { dependencies: ["jsr:@std/x@1", "npm:a@2.0.0"], members: { m: {} } },
  });
});
