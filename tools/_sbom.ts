/** A software bill of materials by the locks, in CycloneDX 1.5: https://cyclonedx.org/docs/1.5/json/. */

import { Buffer } from "node:buffer";
import type { LockedPackage, LockFile } from "./_lock_file.ts";

/** What the bill is of. */
export interface Project {
  readonly name: string;
  readonly version: string;
  /** Its licence, as SPDX names it. */
  readonly license: string;
}

/** A lock, and whether only developers need what it has. */
export interface BilledLock {
  readonly lock: LockFile;
  readonly development: boolean;
}

type Registry = "npm" | "jsr";

/** A package of a lock. */
interface Billed extends LockedPackage {
  readonly registry: Registry;
  readonly name: string;
  readonly version: string;
  /** The packages that it needs, and those that it needs on some machines, as keys of the lock. */
  readonly needs: readonly string[];
  readonly mayNeed: readonly string[];
}

/** `required`: it runs; `optional`: it runs on some machines; `excluded`: developers run it. */
type Scope = "required" | "optional" | "excluded";

/**
 * The bill of a project: every package of its locks with the hash that Deno holds it to, and what depends on what. Licences
 * are not in locks, so they are not in the bill either, and it bears no time, so that it changes with the locks alone.
 *
 * @param project What it is of.
 * @param locks Its locks. A package of several is listed once, with the scope of the first.
 * @returns The bill, as JSON has it.
 */
export function billOfMaterials({ name, version, license }: Project, locks: readonly BilledLock[]): object {
  const root = reference("jsr", name, version), direct = new Set<string>(), components = new Map<string, object>();
  const dependencies = new Map<string, string[]>();
  for (const { lock, development } of locks) {
    const packages = packagesOf(lock), roots = rootsOf(lock), required = reached(packages, roots);
    for (const key of roots) direct.add(referenceOf(packages.get(key)!));
    for (const [key, billed] of packages) {
      const ref = referenceOf(billed), scope = required.has(key) ? "required" : "optional";
      if (components.has(ref)) continue;
      components.set(ref, component(billed, ref, development ? "excluded" : scope));
      const needed = [...billed.needs, ...billed.mayNeed].map((other) => referenceOf(packages.get(other)!));
      dependencies.set(ref, [...new Set(needed)].sort());
    }
  }
  const sorted = [...components.keys()].sort();
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: { type: "application", "bom-ref": root, name, version, licenses: [{ license: { id: license } }] },
    },
    components: sorted.map((ref) => components.get(ref)),
    dependencies: [
      { ref: root, dependsOn: [...direct].sort() },
      ...sorted.map((ref) => ({ ref, dependsOn: dependencies.get(ref) })),
    ],
  };
}

/** The packages of a lock by their keys there, which begin with the registry here. */
function packagesOf({ npm = {}, jsr = {} }: LockFile): Map<string, Billed> {
  const found = new Map<string, Billed>();
  for (const [registry, packages] of Object.entries({ npm, jsr }) as [Registry, typeof npm][]) {
    const keys = Object.keys(packages);
    for (const [key, locked] of Object.entries(packages)) {
      // What follows an underscore are the versions of packages that it shares with who needs it.
      const [, name, version] = /^(.+?)@([^@_]+)(?:_.*)?$/.exec(key)!;
      const resolve = (needed: string) => {
        const bare = needed.replace(/^jsr:/, ""),
          same = (other: string) => other.slice(0, other.indexOf("@", 1)) === bare;
        const found = keys.find((other) => other === bare) ?? keys.find(same);
        if (found === undefined) throw new Error(`the lock has no ${needed}, which ${key} needs; run tools/lock.ts`);
        return `${registry}:${found}`;
      };
      found.set(`${registry}:${key}`, {
        ...locked,
        registry,
        name,
        version,
        needs: (locked.dependencies ?? []).map(resolve),
        mayNeed: (locked.optionalDependencies ?? []).map(resolve),
      });
    }
  }
  return found;
}

/** The keys of what the sources name: by their import maps, or in a lock of their own. */
function rootsOf({ specifiers, workspace }: LockFile): string[] {
  const { dependencies = [], members = {} } = (workspace ?? {}) as {
    readonly dependencies?: readonly string[];
    readonly members?: Readonly<Record<string, { readonly dependencies?: readonly string[] }>>;
  };
  const mapped = [...dependencies, ...Object.values(members).flatMap(({ dependencies = [] }) => dependencies)];
  const named = mapped.length > 0 ? mapped : Object.keys(specifiers);
  return named.map((specifier) => `${specifier.slice(0, specifier.indexOf("@", 5))}@${specifiers[specifier]}`);
}

/** What runs on every machine: all that is reached by way of what is needed. */
function reached(packages: ReadonlyMap<string, Billed>, roots: readonly string[]): Set<string> {
  const found = new Set<string>(), waiting = [...roots];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (found.has(key)) continue;
    found.add(key);
    waiting.push(...packages.get(key)!.needs);
  }
  return found;
}

function referenceOf({ registry, name, version }: Billed): string {
  return reference(registry, name, version);
}

/** The package's URL as the purl specification writes it. */
function reference(registry: Registry, name: string, version: string): string {
  return `pkg:${registry}/${name.split("/").map(encodeURIComponent).join("/")}@${encodeURIComponent(version)}`;
}

function component({ registry, name, version, integrity }: Billed, ref: string, scope: Scope): object {
  const common = { type: "library", "bom-ref": ref, name, version, scope };
  if (registry === "npm") {
    const [algorithm, digest] = integrity.split("-");
    if (algorithm !== "sha512") throw new Error(`${name}: expected an integrity of sha512 but ${algorithm} came`);
    return {
      ...common,
      hashes: [{ alg: "SHA-512", content: Buffer.from(digest, "base64").toString("hex") }],
      purl: ref,
    };
  }
  // JSR is no type of the purl specification, and the hash is that of the version's manifest, which has those of its files.
  return {
    ...common,
    externalReferences: [{
      type: "distribution",
      url: `https://jsr.io/${name}/${version}_meta.json`,
      hashes: [{ alg: "SHA-256", content: integrity }],
    }],
  };
}
