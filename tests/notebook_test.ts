/**
 * The notebook runs cell by cell in a session of Deno's REPL, which is what its kernel for Jupyter evaluates cells in, and where
 * Jupyter is (`jupyter-nbconvert` on Debian), in Jupyter. `docs_programs_test.ts` checks the types.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { testWhole, WHOLE } from "./_all.ts";
import { withFolder } from "./_cli.ts";
import { notebookCells } from "./_docs_blocks.ts";
import { root } from "./_launcher.ts";

const FOLDER = "examples/notebook/", NOTEBOOK = `${FOLDER}notebook.ipynb`;
const CONVERTER = "/usr/bin/jupyter-nbconvert";

const parsed = async (path: string) => JSON.parse(await Deno.readTextFile(root + path));

Deno.test("the notebook's own configuration has the packages of the project, as its locks have them", async () => {
  const [own, { imports, exports }] = [await parsed(`${FOLDER}deno.json`), await parsed("deno.json")];
  for (const [name, target] of Object.entries<string>(own.imports)) {
    const subpath = name.startsWith("@residua/residua") ? `.${name.slice("@residua/residua".length)}` : undefined;
    assertEquals(target, subpath === undefined ? imports[name] : `../../${exports[subpath].slice(2)}`, name);
  }
  const [locked, all] = [await parsed(`${FOLDER}deno.lock`), await parsed("deno.offline.lock")];
  assert(Object.keys(locked.npm).length > 0);
  for (const [name, found] of Object.entries(locked.npm)) assertEquals(found, all.npm[name], name);
});

Deno.test("the notebook is for Deno's kernel and keeps no output", async () => {
  const { cells, metadata, nbformat } = JSON.parse(await Deno.readTextFile(`${root}${NOTEBOOK}`));
  assertEquals([nbformat, metadata.kernelspec.name], [4, "deno"]);
  const kept = cells.filter((cell: { outputs?: unknown[]; execution_count?: number }) =>
    (cell.outputs ?? []).length > 0 || typeof cell.execution_count === "number"
  );
  assertEquals(kept, []);
});

testWhole("the notebook trains, draws its curves as SVG, and names images", () =>
  withFolder(async (folder) => {
    const cells = await notebookCells(), files: string[] = [];
    for (const [k, cell] of cells.entries()) {
      files.push(`--eval-file=${folder}/${k}.ts`);
      await Deno.writeTextFile(`${folder}/${k}.ts`, cell);
    }
    const config = `${root}deno.offline.json`;
    const session = new Deno.Command(Deno.execPath(), {
      args: ["repl", "-A", "--quiet", "--node-modules-dir=none", "--config", config, ...files],
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = session.stdin.getWriter();
    const shown = `curves[Symbol.for("Jupyter.display")]()["image/svg+xml"]`;
    const asked = `console.log("found " + JSON.stringify({ answers, svg: ${shown}, classes: set.classes, run }))\n`;
    await writer.write(new TextEncoder().encode(asked));
    await writer.close();
    const { stdout, stderr } = await session.output();
    const said = new TextDecoder().decode(stdout), [, found] = /^found (.*)$/m.exec(said) ?? [];
    assert(found !== undefined, said + new TextDecoder().decode(stderr));
    const { answers, svg, classes, run } = JSON.parse(found);
    await Deno.remove(run, { recursive: true });
    assertEquals(said.match(/^epoch \d: [\d.]+ %$/gm)?.length, 3);
    assertMatch(svg, /^<svg [^]*resnet8 on shapes[^]*<\/svg>\s*$/);
    assertEquals(answers.length, 5);
    for (const { is, named, probability } of answers) {
      assert(classes.includes(is) && classes.includes(named) && probability > 0.1 && probability <= 1, found);
    }
    // Ten classes: by chance one of five would rarely be right more than twice.
    assert(answers.filter(({ is, named }: { is: string; named: string }) => is === named).length >= 3, found);
  }));

const hasJupyter = await Deno.stat(CONVERTER).then(() => true, () => false);

/** A cell that has run. */
interface DoneCell {
  readonly cell_type: string;
  readonly execution_count?: number;
  readonly outputs?: readonly { readonly output_type: string }[];
}

/** What cells show is held above: Deno's kernel says at times that a cell is done before its last output has gone out. */
async function runInJupyter(folder: string): Promise<void> {
  const kernel = {
    argv: [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"],
    display_name: "Deno",
    language: "typescript",
  };
  await Deno.mkdir(`${folder}/kernels/deno`, { recursive: true });
  await Deno.writeTextFile(`${folder}/kernels/deno/kernel.json`, JSON.stringify(kernel));
  const { code, stderr } = await new Deno.Command(CONVERTER, {
    args: ["--to", "notebook", "--execute", "--output-dir", folder, "--output", "done", root + NOTEBOOK],
    env: { JUPYTER_PATH: folder, JUPYTER_RUNTIME_DIR: `${folder}/runtime` },
    stdout: "null",
    stderr: "piped",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const done: { cells: readonly DoneCell[] } = JSON.parse(await Deno.readTextFile(`${folder}/done.ipynb`));
  const cells = done.cells.filter(({ cell_type }) => cell_type === "code");
  assertEquals(cells.map(({ execution_count }) => execution_count), cells.map((_, k) => k + 1));
  const kinds = cells.flatMap(({ outputs = [] }) => outputs.map(({ output_type }) => output_type));
  assert(kinds.length > 0 && !kinds.includes("error"), JSON.stringify(cells));
}

Deno.test({
  name: `the notebook runs in Jupyter from top to bottom [${
    !hasJupyter ? "no Jupyter" : WHOLE ? CONVERTER : "with RESIDUA_TEST=ci"
  }]`,
  ignore: !hasJupyter || !WHOLE,
  fn: () => withFolder(runInJupyter),
});
