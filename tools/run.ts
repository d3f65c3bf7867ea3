/**
 * Starts what the tasks are: a command of the command line, with no more permissions than it needs, in the folder of the one
 * who called; or `deno SUBCOMMAND …`, with the configuration that works here. Prints nothing of its own.
 */

import { fileURLToPath } from "node:url";
import { cacheFolder } from "../cli/cache_folder.ts";
import { provideRuntimeFolder } from "../cli/runtime_folder.ts";
import { grantsFor, mergeGrants, splitGrants, usesDawn } from "./_grants.ts";
import { chooseConfiguration, CONFIGURATIONS, denoDir } from "./_import_map.ts";
import { DAWN_LOCKS } from "./_sources.ts";
import { startDeno } from "./_start_deno.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const env = (name: string) => Deno.env.get(name), cache = denoDir(env, Deno.build.os);
/**
 * Packages come from Deno's cache, when they are needed. `deno.json` says `manual`, which would take them from a folder of the
 * clone: else `deno task` itself would fetch them all before any task, and no task would start without the network.
 */
const PACKAGES = ["--node-modules-dir=none"];
/** Arguments that only print: they are answered without asking JSR. */
const PRINTING = ["--help", "-h", "--version", "help"];

/** The arguments of the process to start. */
async function plan([task, ...args]: readonly string[]): Promise<string[]> {
  const prints = task === undefined || [task, ...args].some((argument) => PRINTING.includes(argument));
  const config = prints && task !== "deno"
    ? root + CONFIGURATIONS[1]
    : await chooseConfiguration(root, cache, console.error);
  if (task === "deno") return [args[0], ...PACKAGES, "--config", config, ...args.slice(1)];
  await goToCaller();
  const { grants: given, rest } = splitGrants(args);
  const own = grantsFor(task ?? "", rest, {
    cwd: Deno.cwd(),
    env,
    packages: cache && `${cache}/npm`,
    cacheFolder: cacheFolder(),
  });
  const start = task === undefined ? [] : [task], name = config.slice(root.length);
  return [
    "run",
    ...PACKAGES,
    ...mergeGrants([...own, ...given]),
    "--config",
    config,
    ...(usesDawn(rest) ? ["--lock", root + DAWN_LOCKS[name]] : []),
    `${root}cli/main.ts`,
    ...start,
    ...rest,
  ];
}

/** Goes to the folder in which `deno task` was called, which itself goes to that of its configuration. */
async function goToCaller(): Promise<void> {
  const folder = env("INIT_CWD");
  if (folder !== undefined && (await Deno.stat(folder).catch(() => undefined))?.isDirectory) Deno.chdir(folder);
}

/**
 * Test files that run at a time: one a core, and one more since some wait for a device, up to so many. More would fill the
 * memory, and a GPU has one queue.
 */
const MOST_JOBS = 4;

provideRuntimeFolder();
// The command line says how it was started, which tests and tools that start it again are not to change.
if (Deno.args[0] === "deno") Deno.env.delete("npm_command");
if (env("DENO_JOBS") === undefined) {
  Deno.env.set("DENO_JOBS", `${Math.min(MOST_JOBS, navigator.hardwareConcurrency + 1)}`);
}
// Where wgpu also looks for OpenGL it loads libEGL, which may free what a thread that ends frees too, as the tests' process ends.
if (
  Deno.args.slice(0, 2).join(" ") === "deno test" && Deno.build.os === "linux" &&
  env("DENO_WEBGPU_BACKEND") === undefined
) {
  Deno.env.set("DENO_WEBGPU_BACKEND", "vulkan");
}
Deno.exit(await startDeno(Deno.execPath(), await plan(Deno.args)));
