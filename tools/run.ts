/**
 * Starts what the tasks are: a command of the command line, with no more permissions than it needs, in the folder of the one
 * who called; or `deno SUBCOMMAND …`, with the configuration that works here. Prints nothing of its own.
 */

import { fileURLToPath } from "node:url";
import { cacheFolder } from "../cli/files/cache_folder.ts";
import { provideRuntimeFolder } from "../cli/runtime_folder.ts";
import { grantsFor } from "./_grants.ts";
import { chooseConfiguration, CONFIGURATIONS, denoDir } from "./_import_map.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const env = (name: string) => Deno.env.get(name), cache = denoDir(env, Deno.build.os);
/** Arguments that only print: they are answered without asking JSR. */
const PRINTING = ["--help", "-h", "--version", "help"];

/** Permissions that are granted beside those of the command, as Deno writes them. */
const GRANT = /^(?:-A|--allow-(?:all|(?:read|write|net|env|sys|run|ffi|import)(?:=.*)?))$/;

/** The arguments of the process to start. */
async function plan([task, ...args]: readonly string[]): Promise<string[]> {
  const prints = task === undefined || [task, ...args].some((argument) => PRINTING.includes(argument));
  const config = prints && task !== "deno"
    ? root + CONFIGURATIONS[1]
    : await chooseConfiguration(root, cache, console.error);
  if (task === "deno") return [args[0], "--config", config, ...args.slice(1)];
  await goToCaller();
  const end = args.indexOf("--"),
    isGrant = (argument: string, k: number) => (end < 0 || k < end) && GRANT.test(argument);
  const more = args.filter(isGrant), rest = args.filter((argument, k) => !isGrant(argument, k));
  const all = more.includes("-A") || more.includes("--allow-all");
  const grants = all
    ? ["-A"]
    : merge([...grantsFor(task ?? "", rest, { env, denoDir: cache, cacheFolder: cacheFolder() }), ...more]);
  const start = task === undefined ? [] : [task];
  return ["run", ...grants, "--config", config, `${root}cli/main.ts`, ...start, ...rest];
}

/** Flags of one kind as one, since Deno takes each kind once; one without names grants all of its kind. */
function merge(flags: readonly string[]): string[] {
  const merged = new Map<string, string | undefined>();
  for (const flag of flags) {
    const [, kind, names] = /^([^=]+)(?:=(.*))?$/s.exec(flag)!;
    const whole = names === undefined || (merged.has(kind) && merged.get(kind) === undefined);
    merged.set(kind, whole ? undefined : merged.has(kind) ? `${merged.get(kind)},${names}` : names);
  }
  return [...merged].map(([kind, names]) => names === undefined ? kind : `${kind}=${names}`);
}

/** Goes to the folder in which `deno task` was called, which itself goes to that of its configuration. */
async function goToCaller(): Promise<void> {
  const folder = env("INIT_CWD");
  if (folder !== undefined && (await Deno.stat(folder).catch(() => undefined))?.isDirectory) Deno.chdir(folder);
}

/** Hands signals on. A terminal gives its own to both processes, so that handing SIGINT on would make it two. */
function handOn(child: Deno.ChildProcess): void {
  const signals: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) {
    Deno.addSignalListener(signal, () => {
      if (Deno.build.os === "windows" || (signal === "SIGINT" && Deno.stdin.isTerminal())) return;
      try {
        child.kill(signal);
      } catch {
        // It has ended.
      }
    });
  }
}

provideRuntimeFolder();
const child = new Deno.Command(Deno.execPath(), {
  args: await plan(Deno.args),
  stdin: "inherit",
  stdout: "inherit",
  stderr: "inherit",
}).spawn();
handOn(child);
Deno.exit((await child.status).code);
