/** The bill of materials: by CycloneDX's own schema, and by the locks. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { billOfMaterials } from "../tools/_sbom.ts";
import type { LockFile } from "../tools/_lock_file.ts";
import { OWN_LOCKS } from "../tools/_sources.ts";
import { root, runDeno } from "./_launcher.ts";

/** The part of a bill that is looked at. */
interface Bill {
  readonly components: readonly {
    readonly "bom-ref": string;
    readonly name: string;
    readonly version: string;
    readonly scope: string;
    readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** What CycloneDX's schema says against a bill. */
async function faultsOf(bill: unknown): Promise<unknown[]> {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--no-config", "--lock", `${root}${OWN_LOCKS["tests/_cyclonedx_process.ts"]}`],
      ...["--frozen", `${root}tests/_cyclonedx_process.ts`],
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const answer = process.output(), writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(bill)));
  await writer.close();
  const { code, stdout, stderr } = await answer;
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function printed(): Promise<Bill> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${root}deno.json`));
  const { code, stdout, stderr } = await runDeno(tasks.sbom.split(" ").slice(1));
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout);
}

Deno.test("deno task sbom prints what CycloneDX's schema takes, which refuses a wrong bill", async () => {
  const bill = await printed();
  assertEquals(await faultsOf(bill), []);
  const [first, ...others] = bill.components;
  assert((await faultsOf({ ...bill, components: [{ ...first, scope: "perhaps" }, ...others] })).length > 0);
  assert((await faultsOf({ ...bill, components: [first, first] })).length > 0);
});

Deno.test("deno task sbom lists every package of the locks once, with its hash, and what depends on what", async () => {
  const { components, dependencies } = await printed(),
    listed = components.map(({ name, version }) => `${name}@${version}`);
  const paths = ["deno.lock", "deno.offline.lock", ...Object.values(OWN_LOCKS)], expected = new Set<string>();
  const locks: LockFile[] = await Promise.all(
    paths.map(async (path) => JSON.parse(await Deno.readTextFile(root + path))),
  );
  for (const { npm = {}, jsr = {} } of locks) {
    for (const key of Object.keys({ ...npm, ...jsr })) expected.add(key.replace(/_.*/, ""));
  }
  assertEquals(listed.toSorted(), [...expected].sort());
  const sharp = components.find(({ name }) => name === "sharp")!, key = `sharp@${sharp.version}`;
  assertEquals(sharp.scope, "required");
  const bytes = Uint8Array.from(atob(locks[0].npm![key].integrity.replace("sha512-", "")), (c) => c.charCodeAt(0));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  assertEquals(sharp.hashes, [{ alg: "SHA-512", content: hex }]);
  // Builds for one kind of machine.
  assertEquals(components.find(({ name }) => name === "@img/sharp-linux-x64")!.scope, "optional");
  assertEquals(components.find(({ name }) => name === "assemblyscript")!.scope, "excluded");
  const known = new Set(components.map((component) => component["bom-ref"]));
  assertEquals(dependencies.length, components.length + 1);
  for (const { dependsOn } of dependencies) for (const reference of dependsOn) assert(known.has(reference), reference);
  assert(dependencies[0].dependsOn.includes(sharp["bom-ref"]));
});

Deno.test("billOfMaterials() resolves names with and without versions, scopes, peers and needs of some machines", () => {
  const integrity = `sha512-${btoa("x".repeat(64))}`;
  const lock: LockFile = {
    version: "5",
    specifiers: { "npm:@s/a@1.0.0": "1.0.0", "jsr:@std/x@1": "1.2.0", "jsr:@std/y@^1.1.0": "1.1.5" },
    npm: {
      "@s/a@1.0.0": { integrity, dependencies: ["b@2.0.0", "c"], optionalDependencies: ["d"] },
      "b@1.0.0": { integrity },
      "b@2.0.0": { integrity, dependencies: ["b@1.0.0"] },
      "c@3.0.0_b@1.0.0": { integrity },
      "d@4.0.0+build": { integrity },
    },
    jsr: {
      "@std/x@1.2.0": { integrity: "ab".repeat(32), dependencies: ["jsr:@std/y"] },
      "@std/y@1.1.5": { integrity: "cd".repeat(32) },
    },
    workspace: { dependencies: ["jsr:@std/x@1"], members: { m: { dependencies: ["npm:@s/a@1.0.0"] } } },
  };
  const project = { name: "@p/q", version: "1.0.0", license: "MIT" };
  const { components, dependencies } = billOfMaterials(project, [{ lock, development: false }]) as Bill;
  assertEquals(components.map((c) => `${c["bom-ref"]} ${c.scope}`), [
    "pkg:jsr/%40std/x@1.2.0 required",
    "pkg:jsr/%40std/y@1.1.5 required",
    "pkg:npm/%40s/a@1.0.0 required",
    "pkg:npm/b@1.0.0 required",
    "pkg:npm/b@2.0.0 required",
    "pkg:npm/c@3.0.0 required",
    "pkg:npm/d@4.0.0%2Bbuild optional",
  ]);
  assertEquals(dependencies[0].dependsOn, ["pkg:jsr/%40std/x@1.2.0", "pkg:npm/%40s/a@1.0.0"]);
  assertEquals(dependencies.find(({ ref }) => ref.includes("/a@"))!.dependsOn, [
    "pkg:npm/b@2.0.0",
    "pkg:npm/c@3.0.0",
    "pkg:npm/d@4.0.0%2Bbuild",
  ]);
  const { npm: _, ...rest } = lock;
  assertThrows(() =>
    billOfMaterials(project, [{
      lock: { ...rest, npm: { "e@1.0.0": { integrity, dependencies: ["f"] } } },
      development: false,
    }])
  );
});
