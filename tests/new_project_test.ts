/** `new`: the project that it makes trains, goes on, passes its tests and type-checks, and nothing is written over. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testWhole } from "./_all.ts";
import { withFolder } from "./_cli.ts";
import { runInProcess } from "./_in_process.ts";
import { launch, runDeno } from "./_launcher.ts";

testWhole(
  "a new project trains, goes on where it stopped, passes its tests and type-checks",
  () =>
    withFolder(async (folder) => {
      const made = await launch(["new", "my project"], { cwd: folder }), project = `${folder}/my project`;
      assertEquals(made.code, 0, made.stderr);
      assertStringIncludes(made.stdout, "cd 'my project'\n  deno task train\n");
      const task = async (...args: string[]) => {
        const { code, stdout, stderr } = await runDeno(["task", "--quiet", ...args], { cwd: project });
        assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
        return stdout;
      };
      const [first, ...epochs] = (await task("train", "2")).trim().split("\n");
      assertMatch(first, /^smooth on rings and crosses, /);
      assertEquals(epochs.map((line) => line.slice(0, 8)), ["epoch 1:", "epoch 2:"]);
      assertEquals((await task("train", "3")).match(/^epoch \d/gm), ["epoch 3"]);
      assertStringIncludes(await task("test"), "squareplus is right ... ok");
      await task("check");
    }),
);

Deno.test("new refuses a folder that holds something, or is none, and leaves nothing half made", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "mine");
    for (
      const [path, says] of [
        [folder, "expected a new or an empty folder but it holds file"],
        [`${folder}/file`, "expected a folder but this is a file"],
      ]
    ) {
      const { code, stderr } = await runInProcess(["new", path]);
      assertEquals(code, 1);
      assertStringIncludes(stderr.replaceAll("\n  ", " "), says);
    }
    const { code, stderr } = await runInProcess(["new"]);
    assertEquals([code, stderr.includes("expected one folder but none came")], [2, true]);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["file"]);
    const done = await runInProcess(["new", `${folder}/empty`]);
    assertEquals(done.code, 0, done.stderr);
    assert([...Deno.readDirSync(`${folder}/empty`)].length === 9);
  }));
