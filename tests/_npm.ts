/** The package for npm, packed and installed in a folder of its own as a user would. */

import { type LaunchOptions, root, runProgram } from "./_launcher.ts";

/** What a program prints that must end well. */
export async function printedBy(
  program: string,
  args: readonly string[],
  cwd: string,
  env?: LaunchOptions["env"],
): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args, { cwd, env });
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${stderr}\n${stdout}`);
  return stdout;
}

/** Why nothing can be installed by npm here; nothing if it can. */
export async function whyNoNpm(): Promise<string | undefined> {
  if (Deno.build.os === "windows") return "not tried on Windows";
  try {
    const { code } = await runProgram("npm", ["ping", "--fetch-retries=0", "--fetch-timeout=5000"], { cwd: "/" });
    return code === 0 ? undefined : "no npm registry";
  } catch {
    return "no npm";
  }
}

/** Installs packages in a folder, from npm's cache as far as it has them. */
export async function installNpm(folder: string, packages: readonly string[]): Promise<void> {
  await printedBy(
    "npm",
    ["install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", ...packages],
    folder,
  );
}

/** Builds the package in a folder, and gives the path of its tarball. */
export async function packNpm(folder: string): Promise<string> {
  const flags = ["-A", "--no-config", "--lock", `${root}tools/build_npm.lock`, "--frozen"];
  await printedBy(Deno.execPath(), ["run", ...flags, `${root}tools/build_npm.ts`, folder], folder);
  const [{ name }] = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".tgz"));
  return `${folder}/${name}`;
}

/** The import map by which Deno runs a program of the package from the sources. */
export async function sourceMap(): Promise<string> {
  const { imports, exports } = JSON.parse(await Deno.readTextFile(`${root}deno.offline.json`)) as Record<
    "imports" | "exports",
    Record<string, string>
  >;
  const at = (path: string) => new URL(path, new URL("..", import.meta.url)).href;
  const packages = Object.entries(imports).map(([name, to]) => [name, to.startsWith("./") ? at(to) : to]);
  const entries = Object.entries(exports).map(([name, path]) => [name.replace(".", "residua"), at(path)]);
  return JSON.stringify({ imports: Object.fromEntries([...packages, ...entries]) });
}
