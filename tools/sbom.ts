/** Prints the software bill of materials by the locks, as CycloneDX 1.5 JSON: `deno task sbom > sbom.cdx.json`. */

import { fileURLToPath } from "node:url";
import type { LockFile } from "./_lock_file.ts";
import { billOfMaterials } from "./_sbom.ts";
import { OWN_LOCKS } from "./_sources.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = async <T>(name: string): Promise<T> => JSON.parse(await Deno.readTextFile(root + name));
// The other import map's lock has nothing that this one lacks.
const locks = [{ lock: await read<LockFile>("deno.lock"), development: false }];
for (const path of new Set(Object.values(OWN_LOCKS))) locks.push({ lock: await read(path), development: true });
console.log(JSON.stringify(billOfMaterials(await read("deno.json"), locks), null, 2));
