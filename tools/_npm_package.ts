/** What of the sources is in the package for npm, and what it says of itself. */

/** The part of `deno.json` that is read. */
export interface Project {
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
}

/** The package's name on npm. */
export const NPM_NAME = "residua";

/** The command, which Node and Bun start. */
export const COMMAND = "tools/npm/residua.ts";

/** Deno, in the version that all is tested with, on which the command runs. */
export const DENO_VERSION = "2.9.6";

/** The source that names Dawn, which is fetched by who uses it: its file is larger than all else. */
export const DAWN = "cli/gpu/dawn.ts";

/** What stands for the packages of JSR, which npm does not have. */
const STANDS_FOR: Readonly<Record<string, string>> = { "@std/cli/parse-args": "tools/offline/parse_args.ts" };

/** Sources outside of the layers that the package needs: the command, and what it shares with the launcher of the tasks. */
export const BESIDE_LAYERS: readonly string[] = [
  COMMAND,
  "tools/_grants.ts",
  "tools/_start_deno.ts",
  ...Object.values(STANDS_FOR),
];

/** A package of npm with its version, `npm:@scope/name@1.2.3/path`. */
const PACKAGE = /^npm:(?<name>(?:@[^/@]+\/)?[^/@]+)@(?<version>\d+\.\d+\.\d+)(?<path>\/.*)?$/;

/**
 * A source as the package has it: packages by their names, what stands for those of JSR by its path, workers by the names of
 * compiled files. Everything else is left to the compiler.
 *
 * @param path Its path from the root.
 */
export function npmSource(path: string, text: string): string {
  const up = "../".repeat(path.split("/").length - 1) || "./";
  // A new project is one for Deno, by the package of JSR.
  let source = (path.startsWith("cli/new/") ? text : text.replaceAll("@residua/residua", NPM_NAME))
    .replace(/(new URL\("\.[^"]*)\.ts(", import\.meta\.url\))/g, "$1.js$2")
    .replace(/"(npm:[^"]+)"/g, (whole, specifier) => {
      const found = PACKAGE.exec(specifier)?.groups;
      return found === undefined ? whole : `"${found.name}${found.path ?? ""}"`;
    });
  for (const [name, file] of Object.entries(STANDS_FOR)) {
    source = source.replaceAll(`from "${name}"`, `from "${up}${file}"`);
  }
  return source;
}

/** The path that a source has once it is compiled. */
export function compiled(path: string, extension: ".js" | ".d.ts" = ".js"): string {
  return path.replace(/\.ts$/, extension);
}

/**
 * The package's `package.json`. No package is needed by the root, and each of the others is loaded when it is needed, so that all
 * are optional: they are installed, and `--omit=optional` leaves them out.
 *
 * @param project What `deno.json` says.
 * @param dawn The source that names Dawn.
 */
export function npmManifest(project: Project, dawn: string): object {
  const versions = Object.values(project.imports).map((specifier) => PACKAGE.exec(specifier)?.groups)
    .filter((found) => found !== undefined).map(({ name, version }) => [name, version] as const);
  const found = /npm:(?<name>[\w-]+)@(?<version>[\d.]+)/.exec(dawn)!.groups!;
  const entries = Object.entries(project.exports).map(([name, path]) =>
    [name, { types: compiled(path, ".d.ts"), default: compiled(path) }] as const
  );
  return {
    name: NPM_NAME,
    version: project.version,
    description: "Residual networks on WebGPU and on the CPU: train, evaluate, predict, export and serve",
    keywords: ["resnet", "webgpu", "deep-learning", "image-classification", "onnx", "safetensors"],
    license: project.license,
    type: "module",
    engines: { node: ">=20.16.0", bun: ">=1.2.0" },
    exports: { ...Object.fromEntries(entries), "./package.json": "./package.json" },
    types: compiled(project.exports["."], ".d.ts"),
    bin: { [NPM_NAME]: compiled(COMMAND) },
    // Ops register themselves.
    sideEffects: ["./ops/**/*.js", ...[COMMAND, "cli/main.ts"].map((path) => `./${compiled(path)}`)],
    optionalDependencies: Object.fromEntries([...new Map([...versions, ["deno", DENO_VERSION]])].sort()),
    peerDependencies: { "@webgpu/types": "*", [found.name]: found.version },
    peerDependenciesMeta: { "@webgpu/types": { optional: true }, [found.name]: { optional: true } },
  };
}
