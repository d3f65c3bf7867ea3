/**
 * The package for npm, from its tarball: a program of the library in Node and in Bun gives the bits that Deno gives of the
 * sources; the CPU suite passes there; its types check; and its command trains and predicts. Where
 * `RESIDUA_REQUIRE_NPM` is set, it is tried in this machine's Node and in Bun; with `RESIDUA_TEST=all`, in all.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import sharp from "../images/sharp.ts";
import { ALL } from "./_all.ts";
import { withFolder } from "./_cli.ts";
import { installNpm, packNpm, printedBy, sourceMap, whyNoNpm } from "./_npm.ts";
import { root, runProgram, stopAfterEpoch } from "./_launcher.ts";
import { grantsFor } from "../tools/_grants.ts";

const why = await whyNoNpm(), required = Deno.env.get("RESIDUA_REQUIRE_NPM") === "1";
/** It fetches 150 MB, so that it is tried where that is asked for. */
const tried = required || ALL;

/** An engine that programs run in. */
interface Engine {
  readonly name: string;
  /** Its program. */
  readonly program: string;
  /** The package that brings it, where the machine does not have it. */
  readonly from?: string;
  /** The builds of the CPU kernels in which its bits are Deno's. Bun's relaxed SIMD rounds as the plain one. */
  readonly builds: readonly string[];
}

const kind = `${Deno.build.os}-${Deno.build.arch === "x86_64" ? "x64" : "arm64"}`;
const NODE: Engine = { name: "this machine's Node", program: "node", builds: ["SIMD"] };
// The packages of a machine's kind, since the others fetch these by scripts.
const BUN: Engine = {
  name: "Bun 1.4.5",
  program: "node_modules/bun-1.4.5/bin/bun",
  from: `bun-1.4.5@npm:@oven/bun-${kind.replace("arm64", "aarch64")}@1.4.5`,
  builds: ["SIMD"],
};
const NEWER: readonly Engine[] = ["22.23.3", "24.21.0"].map((version) => ({
  name: `Node ${version}`,
  program: `node_modules/node-${version}/bin/node`,
  from: `node-${version}@npm:node-${kind}@${version}`,
  builds: ["SIMD", "relaxed SIMD"],
}));
const engines = [NODE, ...ALL ? NEWER : [], BUN];

const COMPILER = "typescript@5.9.3", WEBGPU_TYPES = "@webgpu/types@0.1.74";

/** A folder with the package installed, beside photos and the programs of these tests. */
async function withPackage(run: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const project = `${folder}/project`;
    await Deno.mkdir(project);
    await Deno.writeTextFile(`${project}/package.json`, '{ "private": true }');
    const tarball = await packNpm(folder);
    await installNpm(project, [
      ...[tarball, ...ALL ? [COMPILER, WEBGPU_TYPES] : []],
      ...engines.flatMap(({ from }) => from ?? []),
    ]);
    for (const name of ["program.mjs", "conformance.mjs"]) {
      await Deno.copyFile(`${root}tests/npm/${name}`, `${project}/${name}`);
    }
    for (const [k, path] of ["train/a", "train/b", "val/a", "val/b"].entries()) {
      await Deno.mkdir(`${project}/photos/${path}`, { recursive: true });
      for (let i = 0; i < 6; i++) {
        const width = 17 + i,
          pixels = Uint8Array.from({ length: 3 * 19 * width }, (_, p) => (p * 7919 * (k + 1) + 31 * i) >> 2);
        await sharp(pixels, { raw: { width, height: 19, channels: 3 } }).png().toFile(
          `${project}/photos/${path}/${i}.png`,
        );
      }
    }
    await run(project);
  });
}

/** What a program prints in Deno, from the sources. */
async function inDeno(project: string, program: string, ...args: string[]): Promise<string> {
  await Deno.writeTextFile(`${project}/../map.json`, await sourceMap());
  const flags = ["-A", "--quiet", "--no-check", "--no-config", "--no-lock", "--node-modules-dir=none"];
  // Otherwise packages would be looked for in the project.
  return await printedBy(
    Deno.execPath(),
    ["run", ...flags, "--import-map", `${project}/../map.json`, program, ...args],
    project,
    { DENO_NO_PACKAGE_JSON: "1" },
  );
}

/** All entries of the package but the command line's; those of images need the types of Node, as sharp does. */
function importsOf(manifest: { readonly exports: object }, besideImages: boolean): string {
  const names = Object.keys(manifest.exports).filter((name) =>
    name !== "./package.json" && !(besideImages && name === "./images")
  )
    .map((name) => name.replace(".", "residua"));
  return names.map((name, k) => `import * as m${k} from "${name}";`).join("\n") +
    `\nconsole.log(${names.map((_, k) => `m${k}`)});\n`;
}

Deno.test({
  name: `the package for npm, installed from its tarball [${
    why ?? (tried ? engines.map(({ name }) => name).join(", ") : "by test:all")
  }]`,
  ignore: !tried || (why !== undefined && !required),
  fn: (t) =>
    withPackage(async (project) => {
      const manifest = JSON.parse(await Deno.readTextFile(`${project}/node_modules/residua/package.json`));
      const expected = new Map<string, string>();
      const counts = JSON.parse(await inDeno(project, "conformance.mjs"));

      for (const { name, program, builds } of engines) {
        for (const build of builds) {
          await t.step(`${name} trains, saves, goes on, predicts and exports as Deno does, with ${build}`, async () => {
            const key = build.replace(" ", "-");
            if (!expected.has(build)) expected.set(build, await inDeno(project, "program.mjs", build, `deno-${key}`));
            const run = `${name.replaceAll(/[^\w.]/g, "-")}-${key}`;
            const report = JSON.parse(await printedBy(program, ["program.mjs", build, run], project));
            // Deno's run is another folder.
            const own = JSON.parse(expected.get(build)!.replaceAll(`deno-${key}`, run));
            assertEquals(report, own);
            assertEquals([report.losses.length, report.locked], [
              6,
              `${run}/run.lock: the run is in use by process N; wait until it has ended, or choose another folder`,
            ]);
            assertStringIncludes(report.missing, "does not exist");
          });
        }
        await t.step(`${name} runs the program of docs/install.md`, async () => {
          const page = await Deno.readTextFile(`${root}docs/install.md`);
          const [[, text], ...others] = [...page.matchAll(/^```js\n([^]*?)^```/gm)];
          assertEquals(others, []);
          await Deno.writeTextFile(`${project}/docs.mjs`, text);
          await Deno.remove(`${project}/runs`, { recursive: true }).catch(() => {});
          assertMatch(await printedBy(program, ["docs.mjs"], project), /^[ab] 0?\.\d+|^[ab] 1$/);
          assert((await Deno.stat(`${project}/photos.onnx`)).size > 100_000);
        });
        await t.step(`${name} passes the CPU suite: ${counts.ops} ops, ${counts.comparisons} comparisons`, async () => {
          assert(counts.ops > 50 && counts.comparisons > 5000 && counts.derivatives > 2000, JSON.stringify(counts));
          assertEquals(JSON.parse(await printedBy(program, ["conformance.mjs"], project)), counts);
        });
      }

      for (const [resolution, module] of ALL ? [["bundler", "esnext"], ["nodenext", "nodenext"]] : []) {
        await t.step(`its types check, resolved as ${resolution}`, async () => {
          const flags = ["--noEmit", "--strict", "--target", "es2022", "--types", "@webgpu/types", "--lib"];
          const common = [
            ...flags,
            "es2023,dom,esnext.disposable",
            "--module",
            module,
            "--moduleResolution",
            resolution,
          ];
          for (const besideImages of [true, false]) {
            await Deno.writeTextFile(`${project}/types.mts`, importsOf(manifest, besideImages));
            const skip = besideImages ? [] : ["--skipLibCheck"];
            await printedBy("node", ["node_modules/typescript/bin/tsc", ...common, ...skip, "types.mts"], project);
          }
        });
      }

      const command = "node_modules/.bin/residua", cpu = ["--backend", "cpu", "--threads", "1"];
      await t.step("its command is called as npx calls it, and ends as the command line does", async () => {
        assertStringIncludes(await printedBy("npx", ["residua", "--help"], project), "npx residua COMMAND");
        assertStringIncludes(await printedBy(command, ["train", "--help"], project), "npx residua train");
        assertStringIncludes(await printedBy(command, ["summary", "--model", "resnet8"], project), "total");
        const wrong = await runProgram(command, ["summary", "--model", "none"], { cwd: project });
        assertEquals(wrong.code, 2, wrong.stderr);
      });

      await t.step("npx residua trains on photos and names what is in one", async () => {
        const train = [
          "residua",
          "train",
          "--data",
          "photos",
          "--size",
          "16",
          "--model",
          "resnet8",
          "--batch",
          "4",
          ...cpu,
        ];
        const said = await printedBy("npx", [...train, "--workers", "2", "--epochs", "1", "--out", "by-npx"], project);
        assertStringIncludes(said, "curves.svg");
        const predict = ["predict", "--checkpoint", "by-npx", ...cpu, "photos/val/a/0.png"];
        assertMatch(await printedBy(command, predict, project), /[ab]\s+\d+\.\d+ %/);
        const files = [...Deno.readDirSync(`${project}/by-npx`)].map(({ name }) => name);
        assert(files.some((name) => name.includes("tfevents")), files.join());
        if (ALL) {
          await printedBy("npx", ["residua", "export", "--checkpoint", "by-npx", "--out", "by-npx.onnx"], project);
        }
      });

      await t.step("a signal to the command saves the run, which is gone on with", async () => {
        const args = ["train", "--data", "photos", "--size", "16", "--model", "resnet8", "--batch", "4", ...cpu];
        const stopped = await stopAfterEpoch(command, [...args, "--out", "stopped"], { cwd: project });
        assertEquals(stopped.code, 0, stopped.stdout + stopped.stderr);
        assertStringIncludes(stopped.stdout, "npx residua train --resume stopped");
      });

      await t.step(
        "what it starts is Deno with the permissions that a task has, and those that are asked for",
        async () => {
          // A program that prints its arguments stands for Deno.
          const program = `${project}/print.sh`, place = `${project}/node_modules/deno/install_api.cjs`;
          await Deno.writeTextFile(program, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n", { mode: 0o755 });
          await Deno.remove(place);
          await Deno.writeTextFile(place, `exports.runInstall = () => ${JSON.stringify(program)};\n`);
          const args = ["--data", "photos", "--out", "runs/x", "--init", "imagenet"];
          const env = { XDG_CACHE_HOME: `${project}/cache` };
          const said = await printedBy(command, ["train", ...args, "--allow-run=ls"], project, env);
          const at = { cwd: project, env: () => undefined, cacheFolder: `${project}/cache/residua` };
          assertEquals(said.trimEnd().split("\n"), [
            ...["run", "--no-config", "--no-lock", "--node-modules-dir=manual"],
            ...grantsFor("train", args, { ...at, packages: `${project}/node_modules` }),
            ...["--allow-run=ls", `${project}/node_modules/residua/cli/main.js`, "train", ...args],
          ]);
        },
      );

      if (!ALL) return;
      await t.step("without its optional packages the library trains, and says what it lacks", async () => {
        await Deno.mkdir(`${project}/../bare`);
        await Deno.writeTextFile(`${project}/../bare/package.json`, '{ "private": true }');
        const [tarball] = [...Deno.readDirSync(`${project}/..`)].filter(({ name }) => name.endsWith(".tgz"));
        await installNpm(`${project}/../bare`, [`../${tarball.name}`, "--omit=optional"]);
        assertEquals([...Deno.readDirSync(`${project}/../bare/node_modules`)].map(({ name }) => name).sort(), [
          ".bin",
          ".package-lock.json",
          "residua",
        ]);
        for (const name of ["conformance.mjs", "image.mjs"]) {
          await Deno.copyFile(`${root}tests/npm/${name}`, `${project}/../bare/${name}`);
        }
        await printedBy("node", ["conformance.mjs"], `${project}/../bare`);
        assertEquals(
          await printedBy("node", ["image.mjs"], `${project}/../bare`),
          "Image files cannot be read or written: the package sharp is not installed; install Residua with its optional packages, or this one beside it\n",
        );
        const { code, stderr } = await runProgram("node_modules/.bin/residua", ["doctor"], {
          cwd: `${project}/../bare`,
        });
        assertEquals(code, 1);
        assertStringIncludes(stderr, "install residua with its optional packages");
      });
    }),
});
