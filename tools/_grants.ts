/**
 * What each command of the command line is granted: no more than it needs. WebGPU and threads need no permission. Reading is
 * not narrowed to folders: a run's `config.json` names its data, links lead anywhere, and nothing that is read gets out
 * without the network.
 */

/** Where a command runs. */
export interface Surroundings {
  /** Its folder. */
  readonly cwd: string;
  /** The value of an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** The folder of npm's packages, if there is one: in Deno's cache, or `node_modules`. */
  readonly packages?: string;
  /** The folder of Residua's cached files. */
  readonly cacheFolder: string;
}

/** What a command needs beside reading and the variables below. */
interface Needs {
  /** Options that name a folder to write to. */
  readonly folders?: readonly string[];
  /** Folders that it writes to where none of these is given. */
  readonly otherwise?: readonly string[];
  /** Of a command that writes to the folder beside its options, unless one of `folders` is given: the options that take a value. */
  readonly beside?: readonly string[];
  /** Options that name a file to write: its folder is granted, since files are written under another name first. */
  readonly files?: readonly string[];
  /** Whether it keeps what it times, and weights that it fetches. */
  readonly caches?: boolean;
  /** Options that may name published weights, which are fetched. */
  readonly weights?: readonly string[];
  /** Whether it listens at --host and --port, with these defaults. */
  readonly listens?: { readonly host: string; readonly port: string };
  /** Whether --distributed runs it on many processes, by MPI. */
  readonly distributes?: boolean;
  /** Whether it reads or draws image files, by sharp: native code from the folder of npm's packages. */
  readonly images?: boolean;
}

/** The needs of each command that reads files. `doctor`, `summary`, `wgsl` and help do not, and need nothing. */
export const NEEDS: Readonly<Record<string, Needs>> = {
  train: {
    folders: ["out", "resume"],
    otherwise: ["runs"],
    caches: true,
    weights: ["init"],
    images: true,
    distributes: true,
  },
  eval: {
    files: ["csv", "errors", "logits"],
    caches: true,
    weights: ["checkpoint"],
    images: true,
    distributes: true,
  },
  predict: { folders: ["explain"], caches: true, weights: ["checkpoint"], images: true, distributes: true },
  serve: { caches: true, weights: ["checkpoint"], images: true, listens: { host: "127.0.0.1", port: "8000" } },
  dashboard: { beside: ["port"], otherwise: ["runs"], images: true, listens: { host: "127.0.0.1", port: "8020" } },
  data: { files: ["sheet"], images: true },
  report: { folders: ["out"], beside: ["data", "out"], images: true },
  compare: {},
  "lr-find": { files: ["out"], caches: true, weights: ["init"], images: true },
  export: { files: ["out"], caches: true, weights: ["checkpoint"] },
  tune: { files: ["export", "table"], caches: true },
  sweep: { folders: ["out"], otherwise: ["runs"], caches: true, images: true },
  new: { beside: [] },
};

/** The environment variables that the sources read; packages see no others either, as if they were not set. */
export const VARIABLES = [
  ...["HOME", "LOCALAPPDATA", "RESIDUA_WEIGHTS_URL", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"],
  // What it was started by, so that it can say how to start it again.
  "npm_command",
  // Of MPI: its library, and what launchers say of the number of processes.
  ...["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "RESIDUA_MPI", "SLURM_NTASKS"],
];

/** Where published weights are, unless a variable names another address. */
export const WEIGHTS_ADDRESS = "https://download.pytorch.org/models";

/** The commands that need nothing but, where asked, Dawn. */
const WITH_GPU = new Set(["doctor", "summary"]);

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
  const npm = at.packages === undefined ? undefined : grantable(at.packages, at.cwd);
  if (WITH_GPU.has(command) && npm !== undefined && usesDawn(args)) {
    flags.push("--allow-read", grant("ffi", [npm]));
  }
  if (!Object.hasOwn(NEEDS, command)) return flags;
  const { folders = [], beside, otherwise = [], files = [], caches, weights = [], images, listens, distributes } =
    NEEDS[command];
  const given = folders.flatMap((name) => valuesOf(name, args)), published = weights.flatMap((n) => valuesOf(n, args));
  const named = given.length > 0 || beside === undefined ? given : besideOptions(beside, args);
  // How much memory is free bounds what is read and decoded.
  flags.push("--allow-read", "--allow-sys=systemMemoryInfo");
  const fetches = published.some((name) => PUBLISHED.test(name));
  const written = [
    ...(named.length > 0 ? named : otherwise),
    ...files.flatMap((name) => valuesOf(name, args)).map(folderOf),
    ...(caches ? [at.cacheFolder] : []),
  ];
  const path = (name: string) => grantable(name, at.cwd);
  if (written.length > 0) flags.push(grant("write", written.map(path)));
  // The system's loader finds MPI's library by its name, which a grant cannot have.
  if (distributes && isGiven("distributed", args)) flags.push("--allow-ffi");
  else if (npm !== undefined && (images || (command === "tune" && usesDawn(args)))) flags.push(grant("ffi", [npm]));
  const reached = fetches ? [hostOf(env("RESIDUA_WEIGHTS_URL") ?? WEIGHTS_ADDRESS)] : [];
  if (listens !== undefined) {
    const last = (name: keyof typeof listens) => valuesOf(name, args).at(-1) ?? listens[name];
    const host = last("host");
    reached.push(`${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${last("port")}`);
  }
  if (reached.length > 0) flags.push(grant("net", reached));
  return flags;
}

/** Whether a command is to use Dawn: native code too, of a package that no other command fetches. */
export function usesDawn(args: readonly string[]): boolean {
  return valuesOf("gpu", args).includes("dawn");
}

/** Whether a flag is given; the last of it and of its negation counts. */
function isGiven(name: string, args: readonly string[]): boolean {
  const end = args.indexOf("--"), options = end < 0 ? args : args.slice(0, end);
  return options.findLast((argument) => argument === `--${name}` || argument === `--no-${name}`) === `--${name}`;
}

/** A flag of Deno's that grants some of a kind. */
function grant(kind: string, names: readonly string[]): string {
  return `--allow-${kind}=${[...new Set(names)].join()}`;
}

/**
 * A path as a grant can name it: a comma there ends a name. So it begins at the folder of the command if it lies in it, and
 * ends above the first name with a comma.
 */
function grantable(path: string, cwd: string): string {
  if (!path.includes(",")) return path;
  const inside = path.startsWith(cwd) && /^[\\/]./.test(path.slice(cwd.length));
  const names = (inside ? path.slice(cwd.length + 1) : path).split(/[\\/]/);
  const end = names.findIndex((name) => name.includes(","));
  if (end < 0) return names.join("/");
  return names.slice(0, end).join("/") || (names[0] === "" ? "/" : ".");
}

/** The values that an option is given, however often and in either form. */
function valuesOf(name: string, args: readonly string[]): string[] {
  const end = args.indexOf("--"), options = end < 0 ? args : args.slice(0, end);
  return options.flatMap((argument, k) => {
    if (argument.startsWith(`--${name}=`)) return [argument.slice(name.length + 3)];
    return argument === `--${name}` && k + 1 < options.length ? [options[k + 1]] : [];
  }).filter((value) => value !== "");
}

/** What stands beside options: neither one of them nor the value of one that takes one. */
function besideOptions(valued: readonly string[], args: readonly string[]): string[] {
  const end = args.indexOf("--"), isValue = (k: number) => k > 0 && valued.some((name) => args[k - 1] === `--${name}`);
  return args.filter((argument, k) =>
    argument !== "" && (end >= 0 && k >= end ? k > end : !argument.startsWith("-") && !isValue(k))
  );
}

/** The folder that a file is in. */
function folderOf(path: string): string {
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return cut < 0 ? "." : path.slice(0, cut) || "/";
}

function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host : address;
}

/** Permissions as Deno's own flags. */
const GRANT = /^(?:-A|--allow-(?:all|(?:read|write|net|env|sys|run|ffi)(?:=.+)?))$/s;

/** Divides a command's arguments into Deno's flags of permissions, which are granted too, and its own. */
export function splitGrants(args: readonly string[]): { readonly grants: string[]; readonly rest: string[] } {
  const end = args.indexOf("--"), grants: string[] = [], rest: string[] = [];
  for (const [k, argument] of args.entries()) {
    ((end < 0 || k < end) && GRANT.test(argument) ? grants : rest).push(argument);
  }
  return { grants, rest };
}

/** Flags with each kind once, as Deno takes them; one without names grants all of its kind. */
export function mergeGrants(flags: readonly string[]): string[] {
  if (flags.includes("-A") || flags.includes("--allow-all")) return ["-A"];
  const merged = new Map<string, readonly string[] | undefined>();
  for (const flag of flags) {
    const cut = flag.indexOf("="), kind = cut < 0 ? flag : flag.slice(0, cut), before = merged.get(kind);
    const whole = cut < 0 || (merged.has(kind) && before === undefined);
    merged.set(kind, whole ? undefined : [...before ?? [], flag.slice(cut + 1)]);
  }
  return [...merged].map(([kind, names]) => names === undefined ? kind : `${kind}=${names.join()}`);
}
