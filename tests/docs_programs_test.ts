/**
 * Every program of the documentation is run by a test, or type-checked here. The table says which of them how, so that a new
 * one is held too.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { modelByName } from "../mod.ts";
import { encodeCheckpoint } from "../weights/mod.ts";
import { testWhole } from "./_all.ts";
import { withFolder } from "./_cli.ts";
import { fencedBlocks, indentedLines, notebookCells, PAGES } from "./_docs_blocks.ts";
import { writeImages } from "./_image_files.ts";
import { root, runDeno } from "./_launcher.ts";
import { randomTensors } from "./_random_model.ts";

/** How a program is held: by its types, by being run here, or by being run in another test. */
type How = "types" | "run" | `tests/${string}_test.ts`;

/** The programs of each page, in their order. All but those in JavaScript are type-checked in any case. */
const PROGRAMS: Readonly<Record<string, readonly How[]>> = {
  "README.md": ["types", "tests/readme_test.ts", "types"],
  "docs/browser.md": ["tests/browser_docs_test.ts", "tests/browser_docs_test.ts", "types"],
  "docs/data.md": ["run"],
  "docs/export.md": ["run", "run"],
  "docs/fine_tuning.md": ["run"],
  "docs/install.md": ["tests/npm_test.ts"],
  "docs/kernel_text.md": ["types"],
  "docs/predict.md": ["run", "types"],
  "docs/webgpu.md": ["types"],
  "docs/weights.md": ["types", "types"],
  "docs/windows.md": ["types"],
};

/** What pieces of programs take from what is around them, by the name that they have no other way. */
const AROUND: Readonly<Record<string, string>> = {
  "docs/kernel_text.md 0":
    'import type { DeviceLimits } from "@residua/residua/core";\ndeclare const limits: DeviceLimits;',
  "docs/windows.md 0": 'import type { Graph, Value } from "@residua/residua/core";\n' +
    "declare const graph: Graph, image: Value, weight: Value;",
};

/** Imports of packages that have other locks: what stands for them, since their types are not fetched. */
const OTHER_PACKAGES: readonly (readonly [RegExp, string])[] = [
  [/^import \{ create \} from .webgpu.;$/m, "declare function create(flags: readonly string[]): GPU;"],
  [/^import ort from .npm:onnxruntime-node@[\d.]+.;$/m, "// deno-lint-ignore no-explicit-any\ndeclare const ort: any;"],
];

const config = `${root}deno.offline.json`;
const programs = new Map(
  await Promise.all(PAGES.map(async (page) => {
    const blocks = fencedBlocks(await Deno.readTextFile(root + page));
    return [page, blocks.filter(({ language }) => /^(?:[tj]sx?|typescript|javascript)\b/.test(language))] as const;
  })),
);

Deno.test("every program of the documentation has a line that says how it is held, and none is ignored", async () => {
  for (const [page, blocks] of programs) {
    const how = PROGRAMS[page] ?? [];
    assertEquals(blocks.length, how.length, `${page} has ${blocks.length} programs, and the table ${how.length}`);
    for (const [k, held] of how.entries()) {
      assertMatch(blocks[k].language, held === "tests/npm_test.ts" ? /^js$/ : /^ts$/, page);
      if (held.startsWith("tests/")) assert((await Deno.readTextFile(root + held)).includes(page), `${held}: ${page}`);
    }
  }
  assertEquals(Object.keys(PROGRAMS).filter((page) => !programs.has(page)), []);
});

/** A program as a module of its own, with the fewest changes that let it be checked alone. */
function checkable(page: string, k: number, text: string): string {
  const own = OTHER_PACKAGES.reduce((code, [from, to]) => code.replace(from, to), text);
  return `/// <reference lib="dom" />\n${AROUND[`${page} ${k}`] ?? ""}\n${own}\nexport {};\n`;
}

testWhole("the TypeScript of the documentation type-checks", () =>
  withFolder(async (folder) => {
    const paths: string[] = [];
    for (const [page, blocks] of programs) {
      for (const [k, { language, text }] of blocks.entries()) {
        if (language === "js") continue;
        const path = `${folder}/${page.replaceAll(/\W/g, "_")}_${k}.ts`;
        await Deno.writeTextFile(path, checkable(page, k, text));
        paths.push(path);
      }
    }
    // The cells of a notebook are one program.
    paths.push(`${folder}/notebook.ts`);
    await Deno.writeTextFile(paths.at(-1)!, (await notebookCells()).join("\n"));
    assert(paths.length > 10, `${paths.length} programs`);
    const args = ["check", "--quiet", "--node-modules-dir=none", "--config", config];
    const { code, stderr } = await runDeno([...args, ...paths]);
    // A piece of a program need not use what it makes, TS6133, but what it imports.
    assert(!/ is declared but .*\nimport /.test(stderr), stderr);
    const errors = [...stderr.matchAll(/^(?:error: )?(TS\d+) \[ERROR\]/gm)].map(([, name]) => name);
    assert(code === 0 || (errors.length > 0 && errors.every((name) => name === "TS6133")), stderr);
  }));

testWhole(
  "programs of the documentation run, one after the other, on files that are there",
  () =>
    withFolder(async (folder) => {
      await writeImages(`${folder}/photos`, 10);
      for (const run of ["first", "letters"]) {
        await Deno.mkdir(`${folder}/runs/${run}`, { recursive: true });
        const model = { name: "resnet8", inputShape: [3, 32, 32] } as const;
        const classes = Array.from({ length: 10 }, (_, k) => `class ${k}`);
        const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
        const file = encodeCheckpoint(randomTensors(modelByName("resnet8"), 5), { model, classes, normalisation });
        await Deno.writeFile(`${folder}/runs/${run}/best.safetensors`, file);
      }
      const own = ["run", "-A", "--quiet", "--no-check", "--config", config];
      const foreign = ["run", "-A", "--quiet", "--no-check", "--no-config", "--frozen", "--lock"];
      const outputs: Record<string, string> = {};
      for (const [page, held] of Object.entries(PROGRAMS)) {
        for (const [k, how] of held.entries()) {
          if (how !== "run") continue;
          const { text } = programs.get(page)![k], name = `${page.replaceAll(/\W/g, "_")}_${k}.ts`;
          await Deno.writeTextFile(`${folder}/${name}`, text);
          const other = text.includes('"npm:onnxruntime');
          const args = other ? [...foreign, `${root}tests/onnxruntime.lock`, name] : [...own, name];
          const { code, stdout, stderr } = await runDeno(args, { cwd: folder });
          assertEquals(code, 0, `${page}, program ${k}: ${stderr}`);
          outputs[`${page} ${k}`] = stdout;
          // What the next of the page takes by its own name.
          if (!other && page === "docs/export.md") await Deno.copyFile(`${folder}/first.onnx`, `${folder}/pixels.onnx`);
        }
      }
      assertMatch(outputs["docs/predict.md 0"], /^class \d 0\.\d+ 10\n$/);
      assertMatch(outputs["docs/export.md 1"], /^\[ 1, 10 \] Float32Array\(10\)/);
    }),
);

testWhole(
  "the commands of docs/first_classifier.md run, one after the other, on a folder of pictures",
  () =>
    withFolder(async (folder) => {
      await writeImages(`${folder}/photos`, 10);
      await Deno.copyFile(`${folder}/photos/green/101.jpg`, `${folder}/photo.jpg`);
      const lines = indentedLines(await Deno.readTextFile(`${root}docs/first_classifier.md`));
      const commands = lines.filter((line) => line.startsWith("$ ")).map((line) => line.split(" ").slice(1));
      assertEquals(commands.map(([, , name]) => name), ["data", "train", "eval", "predict", "export"]);
      const cpu = ["--backend", "cpu", "--threads", "1"];
      const shorter: Record<string, string[]> = {
        train: [...cpu, "--epochs", "1", "--model", "resnet8", "--size", "32"],
        eval: cpu,
        predict: cpu,
      };
      const own = ["run", "-A", "--quiet", "--no-check", "--config", config, `${root}cli/main.ts`];
      for (const [, , name, ...args] of commands) {
        const { code, stderr } = await runDeno([...own, name, ...args, ...shorter[name] ?? []], { cwd: folder });
        assertEquals(code, 0, `${name}: ${stderr}`);
      }
      for (const path of ["sheet.png", "runs/photos/confusion.svg", "photos.onnx"]) {
        assert((await Deno.stat(`${folder}/${path}`)).size > 100, path);
      }
    }),
);
