/**
 * What each command of the command line is granted: no more than it needs. WebGPU and threads need no permission. Reading is
 * not narrowed to folders: a run's `config.json` names its data, links lead anywhere, and nothing that is read gets out
 * without the network.
 */

/** Where a command runs. */
export interface Surroundings {
  /** The value of an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** Deno's cache folder, if there is one. */
  readonly denoDir?: string;
  /** The folder of Residua's cached files. */
  readonly cacheFolder: string;
}

/** What a command needs beside reading and the variables below. */
interface Needs {
  /** Options that name a folder to write to. */
  readonly folders?: readonly string[];
  /** Folders that it writes to where none of these is given. */
  readonly otherwise?: readonly string[];
  /** Options that name a file to write: its folder is granted, since files are written under another name first. */
  readonly files?: readonly string[];
  /** Whether it keeps what it times, and weights that it fetches. */
  readonly caches?: boolean;
  /** Options that may name published weights, which are fetched. */
  readonly weights?: readonly string[];
  /** Whether it reads or draws image files, by sharp: native code from Deno's cache of npm packages. */
  readonly images?: boolean;
  /** What it asks the system for. */
  readonly sys?: readonly string[];
}

/** The needs of each command that reads files. `doctor`, `summary`, `wgsl` and help do not, and need nothing. */
export const NEEDS: Readonly<Record<string, Needs>> = {
  train: {
    folders: ["out", "resume"],
    otherwise: ["runs"],
    caches: true,
    weights: ["init"],
    images: true,
    // How much memory is free, for the cache of images.
    sys: ["systemMemoryInfo"],
  },
  eval: { files: ["csv", "errors", "logits"], caches: true, weights: ["checkpoint"], images: true },
  predict: { caches: true, weights: ["checkpoint"], images: true },
  data: { files: ["sheet"], images: true },
  export: { files: ["out"], caches: true, weights: ["checkpoint"] },
  tune: { files: ["export", "table"], caches: true },
};

/** The environment variables that the sources read; packages see no others either, as if they were not set. */
export const VARIABLES = ["HOME", "LOCALAPPDATA", "RESIDUA_WEIGHTS_URL", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"];

/** Where published weights are, unless a variable names another address. */
export const WEIGHTS_ADDRESS = "https://download.pytorch.org/models";

/** The names of published weights. */
const PUBLISHED = /^(?:imagenet$|torchvision:)/;

/**
 * The flags for Deno that grant a command what it needs.
 *
 * @param command The command's name.
 * @param args The arguments after it.
 */
export function grantsFor(command: string, args: readonly string[], { env, ...at }: Surroundings): string[] {
  const flags = ["--no-prompt", grant("env", VARIABLES), "--ignore-env"];
  if (!Object.hasOwn(NEEDS, command)) return flags;
  const { folders = [], otherwise = [], files = [], caches, weights = [], images, sys } = NEEDS[command];
  const given = folders.flatMap((name) => valuesOf(name, args)), published = weights.flatMap((n) => valuesOf(n, args));
  flags.push("--allow-read");
  const fetches = published.some((name) => PUBLISHED.test(name));
  const written = [
    ...(given.length > 0 ? given : otherwise),
    ...files.flatMap((name) => valuesOf(name, args)).map(folderOf),
    ...(caches ? [at.cacheFolder] : []),
  ];
  if (written.length > 0) flags.push(grant("write", written));
  if (images && at.denoDir !== undefined) flags.push(grant("ffi", [`${at.denoDir}/npm`]));
  if (sys !== undefined) flags.push(grant("sys", sys));
  if (fetches) flags.push(grant("net", [hostOf(env("RESIDUA_WEIGHTS_URL") ?? WEIGHTS_ADDRESS)]));
  return flags;
}

/** A flag of Deno's that grants some of a kind. A comma in a name is written twice. */
function grant(kind: string, names: readonly string[]): string {
  return `--allow-${kind}=${names.map((name) => name.replaceAll(",", ",,")).join()}`;
}

/** The values that an option is given, however often and in either form. */
function valuesOf(name: string, args: readonly string[]): string[] {
  const end = args.indexOf("--"), options = end < 0 ? args : args.slice(0, end);
  return options.flatMap((argument, k) => {
    if (argument.startsWith(`--${name}=`)) return [argument.slice(name.length + 3)];
    return argument === `--${name}` && k + 1 < options.length ? [options[k + 1]] : [];
  }).filter((value) => value !== "");
}

/** The folder that a file is in. */
function folderOf(path: string): string {
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return cut < 0 ? "." : path.slice(0, cut) || "/";
}

function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host : address;
}
