/**
 * Which configuration works on this machine: `deno.json`, which maps the bare names of `@std` to JSR, where it answers, else
 * `deno.offline.json`, which maps them to adapters over Deno's own built-ins.
 */

import type { LockFile } from "./_lock_file.ts";

/** The configuration with JSR, and the one without. */
export const CONFIGURATIONS = ["deno.json", "deno.offline.json"] as const;

/** How long JSR may take, and how long it is not asked again when it did not answer, in milliseconds. */
const PATIENCE = 5000, RETRY_AFTER = 24 * 3600 * 1000;

/** What is remembered, in Deno's cache folder: it goes when the fetched packages go. */
const MEMORY = "residua-import-map.json";

/** What is remembered. */
interface Remembered {
  readonly config: (typeof CONFIGURATIONS)[number];
  /** The packages of JSR that it was asked for. */
  readonly packages: string;
  /** When, in milliseconds since 1970. */
  readonly time: number;
}

/** Deno's cache folder: `DENO_DIR`, or the system's default. */
export function denoDir(env: (name: string) => string | undefined, os: typeof Deno.build.os): string | undefined {
  const given = env("DENO_DIR");
  if (given) return given;
  const home = env("HOME"), below = (folder: string | undefined, path: string) => folder && `${folder}/${path}`;
  if (os === "windows") return below(env("LOCALAPPDATA"), "deno");
  if (os === "darwin") return below(home, "Library/Caches/deno");
  return below(env("XDG_CACHE_HOME") || below(home, ".cache"), "deno");
}

/**
 * Chooses, and remembers the choice: JSR is asked once for a cache and a lock, and once a day where it does not answer. What
 * it gives is held to `deno.lock`, and nothing of it runs.
 *
 * @param root The folder of the configurations, with a separator at its end.
 * @param cache Deno's cache folder, if there is one.
 * @param warn Hears that JSR has something else than the lock.
 * @returns The path of the configuration.
 */
export async function chooseConfiguration(
  root: string,
  cache: string | undefined,
  warn: (message: string) => void = () => {},
): Promise<string> {
  const packages = await lockedPackages(`${root}deno.lock`), memory = cache && `${cache}/${MEMORY}`;
  const known = memory === undefined ? undefined : await recall(memory, packages);
  if (known !== undefined) return root + known;
  const config = await fetchPackages(root, warn) ? CONFIGURATIONS[0] : CONFIGURATIONS[1];
  if (memory !== undefined) {
    const text = JSON.stringify({ config, packages, time: Date.now() } satisfies Remembered);
    await remember(cache!, memory, text);
  }
  return root + config;
}

/** Writes the memory as a whole: processes that are started together may all do so. Without it the question is asked again. */
async function remember(cache: string, memory: string, text: string): Promise<void> {
  const written = `${memory}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(cache, { recursive: true });
    await Deno.writeTextFile(written, text);
    await Deno.rename(written, memory);
  } catch {
    await Deno.remove(written).catch(() => {});
  }
}

/** The packages of JSR in a lock, and what they must hold. */
async function lockedPackages(path: string): Promise<string> {
  const { jsr = {} }: LockFile = JSON.parse(await Deno.readTextFile(path));
  return Object.entries(jsr).map(([name, { integrity }]) => `${name} ${integrity}`).join();
}

async function recall(path: string, packages: string): Promise<string | undefined> {
  try {
    const known: Remembered = JSON.parse(await Deno.readTextFile(path));
    if (!CONFIGURATIONS.includes(known.config) || known.packages !== packages) return undefined;
    const fresh = known.config === CONFIGURATIONS[0] || Date.now() - known.time < RETRY_AFTER;
    return fresh ? known.config : undefined;
  } catch {
    return undefined;
  }
}

/** Fetches what the lock names, without running it. */
async function fetchPackages(root: string, warn: (message: string) => void): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", "--config", root + CONFIGURATIONS[0], `${root}tools/std.ts`],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  const said = await new Response(child.stderr).text(), { success } = await child.status;
  clearTimeout(timer);
  if (/integrity check failed|lockfile is out of date/i.test(said)) {
    warn(
      "note: what JSR gives is not what deno.lock has, so it is not used: Deno's own modules stand in for @std, and all " +
        "commands work as before; if it stays so, report it",
    );
  }
  return success;
}
