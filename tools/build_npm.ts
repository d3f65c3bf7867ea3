/**
 * Makes the package for npm of the sources: `dist/npm/`, or the same in the folder that is given, and the tarball beside it
 * where there is npm. Each file is compiled
 * by itself, by TypeScript's own compiler, to a module and its declarations in the same tree, so that nothing is bundled and
 * nothing is resolved. The compiler has a lock of its own, `build_npm.lock`.
 */

import { fileURLToPath } from "node:url";
import { BESIDE_LAYERS, compiled, DAWN, npmManifest, npmSource, type Project } from "./_npm_package.ts";

/** The part of TypeScript's compiler that is used. */
interface Compiler {
  transpileModule(text: string, options: TranspileOptions): Transpiled;
  transpileDeclaration(text: string, options: TranspileOptions): Transpiled;
  flattenDiagnosticMessageText(text: unknown, newLine: string): string;
  readonly ScriptTarget: { readonly ES2022: number };
  readonly ModuleKind: { readonly ESNext: number };
}

interface TranspileOptions {
  readonly fileName: string;
  readonly reportDiagnostics: true;
  readonly compilerOptions: Readonly<Record<string, unknown>>;
}

interface Transpiled {
  readonly outputText: string;
  readonly diagnostics?: readonly { readonly messageText: unknown; readonly start?: number }[];
}

const specifier = "npm:typescript@5.9.3";
const ts: Compiler = (await import(specifier)).default;

const root = fileURLToPath(new URL("..", import.meta.url)),
  dist = Deno.args[0] ?? `${root}dist`,
  target = `${dist}/npm/`;
const COMPILER_OPTIONS = {
  // Node 20 has no `using`, which is compiled to what it has.
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};
const DECLARATION_OPTIONS = { ...COMPILER_OPTIONS, declaration: true, isolatedDeclarations: true };
/** Sources that the command line has as texts. */
const TEXTS = "cli/new/project";
/** Of the command line only the entry has declarations: nothing else of it can be imported. */
const UNDECLARED = /^(?:cli|tools)\/(?!main\.ts$)/;

async function* sourcesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(root + folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory && name !== "assembly" && path !== TEXTS) yield* sourcesIn(path);
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) yield path;
  }
}

async function write(path: string, text: string): Promise<void> {
  await Deno.mkdir(target + path.slice(0, path.lastIndexOf("/") + 1), { recursive: true });
  await Deno.writeTextFile(target + path, text);
}

/** Copies the files of a page, which browsers get as they are. */
async function copyPage(folder: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(root + folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await copyPage(path);
    else await write(path, await Deno.readTextFile(root + path));
  }
}

function checked(path: string, text: string, { outputText, diagnostics = [] }: Transpiled): string {
  if (diagnostics.length === 0) return outputText;
  for (const { messageText, start = 0 } of diagnostics) {
    const line = text.slice(0, start).split("\n").length;
    console.error(`${path}:${line}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`);
  }
  Deno.exit(1);
}

/** A source with the texts that it imports in their place: neither Node nor TypeScript imports any. */
async function withTexts(path: string, source: string): Promise<string> {
  let text = source;
  for (const [line, name, file] of source.matchAll(/^import (\w+) from "(\.[^"]*)" with \{ type: "text" \};$/gm)) {
    const imported = await Deno.readTextFile(new URL(file, new URL(`../${path}`, import.meta.url)));
    text = text.replace(line, () => `const ${name} = ${JSON.stringify(imported)};`);
  }
  return text;
}

async function compile(path: string): Promise<void> {
  const text = await withTexts(path, npmSource(path, await Deno.readTextFile(root + path)));
  const transpile = (
    how: "transpileModule" | "transpileDeclaration",
    compilerOptions: TranspileOptions["compilerOptions"],
  ) => checked(path, text, ts[how](text, { fileName: path, reportDiagnostics: true, compilerOptions }));
  await write(compiled(path), transpile("transpileModule", COMPILER_OPTIONS));
  if (UNDECLARED.test(path)) return;
  // The compiler leaves the names of files as they are, and declares methods named by symbols twice, first as properties.
  const declarations = transpile("transpileDeclaration", DECLARATION_OPTIONS)
    .replace(/((?:from |import\()"\.[^"]*)\.ts"/g, '$1.js"')
    .replace(/^ *\[Symbol\.\w+\]: \(\) => [^;]+;\n/gm, "");
  await write(compiled(path, ".d.ts"), declarations);
}

const project = JSON.parse(await Deno.readTextFile(`${root}deno.json`)) as Project & {
  readonly publish: { readonly include: readonly string[] };
};
const paths = [...BESIDE_LAYERS];
for (const name of project.publish.include) {
  if (name.endsWith(".ts")) paths.push(name);
  else if (!name.includes(".") && name !== "LICENSE") { for await (const path of sourcesIn(name)) paths.push(path); }
}
await Deno.remove(target, { recursive: true }).catch(() => {});
for (const path of paths) await compile(path);
await copyPage("cli/dashboard/page");
const manifest = npmManifest(project, await Deno.readTextFile(root + DAWN));
await write("package.json", `${JSON.stringify(manifest, null, 2)}\n`);
for (const name of ["LICENSE", "CHANGELOG.md"]) await Deno.copyFile(root + name, target + name);
await Deno.copyFile(`${root}tools/npm/README.md`, `${target}README.md`);

const npm = Deno.build.os === "windows" ? ["cmd", "/c", "npm"] : ["npm"];
const packed = await new Deno.Command(npm[0], {
  args: [...npm.slice(1), "pack", "--silent", "--pack-destination", dist],
  cwd: target,
  stderr: "inherit",
}).output().catch(() => undefined);
if (packed?.success) {
  const name = new TextDecoder().decode(packed.stdout).trim().split("\n").at(-1)!;
  const { size } = await Deno.stat(`${dist}/${name}`);
  console.log(`${dist}/npm has ${paths.length} modules; ${dist}/${name} has ${(size / 1e6).toFixed(2)} MB`);
} else {
  console.log(`${dist}/npm has ${paths.length} modules; there is no npm that makes a tarball of it`);
}
