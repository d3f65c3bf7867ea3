/**
 * Checks the library's types as programs of browsers and Node see them: by TypeScript's own compiler, with its libraries and
 * those of `@webgpu/types`, without Deno's. What it checks are the entries that need no disk. The packages have a lock of their
 * own, `types.lock`.
 */

import { fileURLToPath } from "node:url";

/** The part of TypeScript's compiler that is used. */
interface Compiler {
  createProgram(rootNames: readonly string[], options: Readonly<Record<string, unknown>>): unknown;
  getPreEmitDiagnostics(program: unknown): readonly { readonly category: number }[];
  formatDiagnostics(
    diagnostics: readonly unknown[],
    host: {
      getCurrentDirectory(): string;
      getCanonicalFileName(name: string): string;
      getNewLine(): string;
    },
  ): string;
  readonly ScriptTarget: { readonly ES2022: number };
  readonly ModuleKind: { readonly ESNext: number };
  readonly ModuleResolutionKind: { readonly Bundler: number };
}

const specifiers = ["npm:typescript@5.9.3", "npm:@webgpu/types@0.1.74/package.json"];
const [{ default: ts }, { default: types }] = await Promise.all([
  import(specifiers[0]) as Promise<{ default: Compiler }>,
  import(specifiers[1], { with: { type: "json" } }) as Promise<{ default: { version: string; types: string } }>,
]);

const root = fileURLToPath(new URL("..", import.meta.url));
const { exports } = JSON.parse(await Deno.readTextFile(`${root}deno.json`)) as { exports: Record<string, string> };
/** The entries of the package that need the disk or a library of npm. */
const NEEDS_MORE = ["./disk", "./images", "./onnx", "./plots", "./cli"];
const entries = Object.entries(exports).filter(([name]) => !NEEDS_MORE.includes(name)).map(([, path]) => root + path);

const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", "--no-config"] }).output();
const { npmCache }: { npmCache: string } = JSON.parse(new TextDecoder().decode(info.stdout));
const webGpu = `${npmCache}/registry.npmjs.org/@webgpu/types/${types.version}/${types.types}`;

const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([...entries, webGpu], {
  strict: true,
  noEmit: true,
  noImplicitOverride: true,
  verbatimModuleSyntax: true,
  allowImportingTsExtensions: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.esnext.disposable.d.ts"],
  types: [],
}));
if (diagnostics.length > 0) {
  console.error(ts.formatDiagnostics(diagnostics, {
    getCurrentDirectory: () => root,
    getCanonicalFileName: (name) => name,
    getNewLine: () => "\n",
  }));
  Deno.exit(1);
}
console.log(`${entries.length} entries type-check without Deno's types`);
