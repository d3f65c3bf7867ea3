#!/usr/bin/env node
/**
 * The command `residua` of the package for npm: runs the command line on Deno, which npm installs beside it, with no more
 * permissions than the command needs, in the folder of the one who called. Node and Bun start it.
 */

import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { sep } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../../cli/cache_folder.ts";
import { provideRuntimeFolder } from "../../cli/runtime_folder.ts";
import { grantsFor, mergeGrants, splitGrants } from "../_grants.ts";
import { startDeno } from "../_start_deno.ts";

/** What is used of npm's package `deno`: it gives the path of the program for this machine. */
interface DenoPackage {
  runInstall(): string;
}

/** The path of Deno. */
function findDeno(): string {
  try {
    return (createRequire(import.meta.url)("deno/install_api.cjs") as DenoPackage).runInstall();
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    console.error(
      `error: npm's package deno, on which this command runs, cannot be used (${reason}); ` +
        "install residua with its optional packages",
    );
    process.exit(1);
  }
}

/** The outermost `node_modules` that a file is in: packages may be links to others below it. */
function packagesAround(path: string): string | undefined {
  const name = `${sep}node_modules`, at = path.indexOf(`${name}${sep}`);
  return at < 0 ? undefined : path.slice(0, at + name.length);
}

const deno = findDeno();
provideRuntimeFolder();
const [command, ...args] = process.argv.slice(2), { grants, rest } = splitGrants(args);
const main = realpathSync(fileURLToPath(new URL("../../cli/main.ts", import.meta.url)));
const own = grantsFor(command ?? "", rest, {
  cwd: process.cwd(),
  env: (name) => process.env[name],
  packages: packagesAround(main),
  cacheFolder: cacheFolder(),
});
process.exit(
  await startDeno(deno, [
    ...["run", "--no-config", "--no-lock", "--node-modules-dir=manual"],
    ...mergeGrants([...own, ...grants]),
    ...[main, ...command === undefined ? [] : [command], ...rest],
  ]),
);
