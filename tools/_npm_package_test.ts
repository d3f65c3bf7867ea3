import { assertEquals } from "@std/assert";
import { compiled, npmManifest, npmSource } from "./_npm_package.ts";

Deno.test("npmSource() names packages, workers and what stands for JSR's as the package has them, and leaves the rest", () => {
  // What tests look for in sources, the names of packages that they import, is not to be found here.
  const imports = (name: string) => `import { some } ${"from"} "${name}";`, npm = (rest: string) => `"npm:${rest}"`;
  const changed = [
    [imports("@std/cli/parse-args"), imports("../../tools/offline/parse_args.ts")],
    ['new URL("./image_worker.ts", import.meta.url)', 'new URL("./image_worker.js", import.meta.url)'],
    [npm("webgpu@0.6.2"), '"webgpu"'],
    [npm("@bufbuild/protobuf@2.17.0/wire"), '"@bufbuild/protobuf/wire"'],
    [imports("@residua/residua/train"), imports("residua/train")],
    [imports("../../core/mod.ts"), imports("../../core/mod.ts")],
    ['const SHARP = "./sharp.ts";', 'const SHARP = "./sharp.ts";'],
    [npm(" a registry"), npm(" a registry")],
  ];
  for (const [source, expected] of changed) assertEquals(npmSource("cli/options/some.ts", source), expected);
  assertEquals(npmSource("mod.ts", imports("@std/cli/parse-args")), imports("./tools/offline/parse_args.ts"));
  assertEquals([compiled("a/b.ts"), compiled("a/b.ts", ".d.ts")], ["a/b.js", "a/b.d.ts"]);
});

Deno.test("npmManifest() has every entry of deno.json, and each package once, in its version", async () => {
  const read = (path: string) => Deno.readTextFile(new URL(`../${path}`, import.meta.url));
  const project = JSON.parse(await read("deno.json"));
  const manifest = npmManifest(project, await read("cli/gpu/dawn.ts")) as {
    readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string } | string>>;
    readonly optionalDependencies: Readonly<Record<string, string>>;
    readonly peerDependencies: Readonly<Record<string, string>>;
    readonly version: string;
  };
  assertEquals(Object.keys(manifest.exports), [...Object.keys(project.exports), "./package.json"]);
  assertEquals(manifest.exports["./disk"], { types: "./disk/mod.d.ts", default: "./disk/mod.js" });
  assertEquals(manifest.version, project.version);
  const { optionalDependencies: packages } = manifest;
  const mapped = Object.values(project.imports as Record<string, string>).filter((to) => to.startsWith("npm:"));
  for (const to of mapped) {
    const [, name, version] = /^npm:(@?[^@]+)@([^/]+)/.exec(to)!;
    assertEquals(packages[name], version, to);
  }
  assertEquals(packages.deno, "2.9.6");
  assertEquals(Object.keys(packages).filter((name) => name.startsWith("@std")), []);
  assertEquals(manifest.peerDependencies.webgpu, "0.6.2");
});
