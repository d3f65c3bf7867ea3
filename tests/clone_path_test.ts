/** A clone works wherever it lies: the tasks, and the tests that start processes. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { testWhole } from "./_all.ts";
import { withFolder } from "./_cli.ts";
import { copyClone, filesIn, FOLDERS, root } from "./_clone.ts";

testWhole("tasks run in a clone whose path has spaces, accents and signs", () =>
  withFolder(async (folder) => {
    const clone = `${folder}/fresh clone ü (100% #1)`;
    await Deno.mkdir(clone);
    await copyClone(clone);
    const task = async (...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["task", ...args],
        cwd: clone,
        // The folder that the tests were started in is not the one that the task is called in.
        env: { NO_COLOR: "1", INIT_CWD: clone },
      }).output();
      const said = new TextDecoder().decode(stdout);
      assertEquals(code, 0, `deno task ${args.join(" ")}: ${said}${new TextDecoder().decode(stderr)}`);
      return said;
    };
    assertStringIncludes(await task("doctor"), "CPU");
    const small = ["--model", "resnet8", "--backend", "cpu", "--threads", "1", "--batch", "2", "--steps", "2"];
    assertStringIncludes(await task("train", ...small, "--out", "a run"), "The run is in a run");
    assertEquals((await Deno.stat(`${clone}/a run/last.safetensors`)).isFile, true);
    // These start processes of their own from where they lie.
    await task("test", "--no-check", "examples/own_network_test.ts", "cli/tuning/tuning_file_test.ts");
  }));

Deno.test("no source takes the path of a file's URL as it is written, with %20 for a space", async () => {
  const wrong: string[] = [];
  for (const folder of FOLDERS) {
    for await (const path of filesIn(folder)) {
      if (!path.endsWith(".ts")) continue;
      if (/import\.meta\.url\)\.pathname/.test(await Deno.readTextFile(new URL(path, root)))) wrong.push(path);
    }
  }
  assertEquals(wrong, []);
});
