import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../core/mod.ts";
import { withFolder } from "../../tests/_cli.ts";
import { findRuns, openRoot, runFile } from "./find_runs.ts";

async function write(path: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, "x");
}

async function writeRun(folder: string): Promise<void> {
  for (const name of ["config.json", "metrics.jsonl"]) await write(`${folder}/${name}`);
}

Deno.test("findRuns() finds runs at any depth, and nothing that is none", () =>
  withFolder(async (folder) => {
    const root = await openRoot(folder);
    assertEquals(await findRuns(root), { runs: [], cut: false });
    for (const path of ["b", "a/x", "a/x/inner", ".hidden/c", "node_modules/d"]) await writeRun(`${root}/${path}`);
    await write(`${root}/half/config.json`);
    await write(`${root}/other/metrics.jsonl`);
    assertEquals((await findRuns(root)).runs, ["a/x", "a/x/inner", "b"]);
    await writeRun(root);
    assertEquals((await findRuns(root)).runs, [".", "a/x", "a/x/inner", "b"]);
  }));

Deno.test({
  name: "links lead neither out of the folder nor round in circles",
  ignore: Deno.build.os === "windows",
}, () =>
  withFolder(async (folder) => {
    await writeRun(`${folder}/outside/secret`);
    await writeRun(`${folder}/runs/own`);
    await writeRun(`${folder}/runs-beside`);
    await Deno.symlink(`${folder}/outside/secret`, `${folder}/runs/link`);
    await Deno.symlink(`${folder}/runs`, `${folder}/runs/own/round`);
    await Deno.mkdir(`${folder}/runs/stolen`);
    await Deno.symlink(`${folder}/outside/secret/config.json`, `${folder}/runs/stolen/config.json`);
    await Deno.symlink(`${folder}/runs/own/metrics.jsonl`, `${folder}/runs/stolen/metrics.jsonl`);
    const root = await openRoot(`${folder}/runs`);
    assertEquals((await findRuns(root)).runs, ["own", "stolen"]);
    // A link to a file is followed within the folder alone.
    assertEquals(await runFile(root, "stolen", "config.json"), undefined);
    assertEquals(await runFile(root, "stolen", "metrics.jsonl"), `${root}/own/metrics.jsonl`);
    assertEquals(await runFile(root, "../runs-beside", "config.json"), undefined);
    assertEquals(await runFile(root, "../outside/secret", "config.json"), undefined);
    assertEquals(await runFile(root, ".", "own"), undefined, "a folder is no file");
    // The folder itself may be a link.
    await Deno.symlink(`${folder}/runs`, `${folder}/alias`);
    assertEquals(await openRoot(`${folder}/alias`), root);
  }));

Deno.test("openRoot() says what is no folder of runs", () =>
  withFolder(async (folder) => {
    await write(`${folder}/file`);
    await assertRejects(() => openRoot(`${folder}/none`), DataError, "there is no such folder; name the one");
    await assertRejects(() => openRoot(`${folder}/file`), DataError, "expected a folder of runs, but this is a file");
  }));
