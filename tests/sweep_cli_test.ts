/** `sweep` on the command line: halving, going on, runs that fail, and refusals. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startCli, withFolder, writeCifar } from "./_cli.ts";
import { runInProcess } from "./_in_process.ts";
import { assertSame } from "./_same.ts";

const OPTIONS = { model: "resnet8", batch: 8, epochs: 2, backend: "cpu", threads: 1, augment: "none" };

Deno.test("sweep trains all runs a little and the better ones on, ranks them, and trains none twice", () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 16);
    const file = `${folder}/rates.json`, out = `${folder}/swept`;
    const sweep = { options: { ...OPTIONS, data: folder }, vary: { lr: [0.01, 1e30, 0.02] }, halving: { epochs: 1 } };
    await Deno.writeTextFile(file, JSON.stringify(sweep));
    const first = await runInProcess(["sweep", file, "--out", out]);
    assertEquals(first.code, 0, first.stderr);
    assertStringIncludes(first.stdout, "3 runs in");
    assert(!first.stdout.includes("Next:"), "each run advises what to do next");
    assertStringIncludes(first.stdout, "3 for 1 epoch, then 1 for 2 epochs");
    const ranking = first.stdout.slice(first.stdout.indexOf("\nrun ")).trim().split("\n").slice(0, 4).map((line) =>
      line.trim().split(/ {2,}/)
    );
    assertEquals(ranking[0], ["run", "val acc", "val loss", "best epoch", "lr"]);
    assertEquals(ranking[3], ["002", "failed", "-", "-", "1e+30"]);
    assertStringIncludes(first.stderr, "error: ");
    const epochs = async (run: string) =>
      (await Deno.readTextFile(`${out}/${run}/metrics.jsonl`)).match(/"kind":"epoch"/g)!.length;
    assertEquals(await epochs(ranking[1][0]), 2);
    assertEquals(await epochs(ranking[2][0]), 1);

    // Its stop left a run as a whole one.
    const values = { "001": 0.01, "003": 0.02 } as Readonly<Record<string, number>>;
    const whole = `${folder}/whole`, lr = `${values[ranking[1][0]]}`;
    const given = Object.entries({ ...OPTIONS, data: folder, lr, out: whole }).map(([name, value]) =>
      `--${name}=${value}`
    );
    assertEquals((await runInProcess(["train", ...given])).code, 0);
    const weights = (run: string) => Deno.readFile(`${run}/last.safetensors`);
    assertSame(await weights(`${out}/${ranking[1][0]}`), await weights(whole));

    const again = await runInProcess(["sweep", file, "--out", out, "--json"]);
    assertEquals([again.code, again.stdout.trim().split("\n").length], [0, 1], again.stderr);
    const all = JSON.parse(again.stdout);
    assertEquals(all.map(({ name }: { name: string }) => name), ranking.slice(1).map(([name]) => name));
    assert(all[2].failure.length > 10 && all[0].top1 >= all[1].top1);

    await Deno.writeTextFile(file, JSON.stringify({ ...sweep, seed: 3 }));
    const other = await runInProcess(["sweep", file, "--out", out]);
    assertEquals(other.code, 2);
    assertStringIncludes(other.stderr.replaceAll("\n  ", " "), "holds another sweep");
  }));

Deno.test("sweep refuses values that no run can have before any begins", () =>
  withFolder(async (folder) => {
    const file = `${folder}/sweep.json`, out = `${folder}/swept`;
    const refused = async (content: object, says: string) => {
      await Deno.writeTextFile(file, JSON.stringify(content));
      const { code, stdout, stderr } = await runInProcess(["sweep", file, "--out", out]);
      assertEquals([code > 0, stdout], [true, ""]);
      assertStringIncludes(stderr.replaceAll("\n  ", " "), says);
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["sweep.json"]);
    };
    await refused({ vary: { lr: [0.1, -1] } }, "vary.lr[1] is -1");
    await refused({ vary: { lr: [0.1] }, halving: { epochs: 1 } }, "halving compares runs of as many epochs");
    assertEquals((await runInProcess(["sweep"])).code, 2);
  }));

// Windows has no signals to send.
Deno.test({
  name: "a sweep that is stopped saves its run, and says how it goes on",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      await writeCifar(folder, 16);
      const file = `${folder}/long.json`, out = `${folder}/swept`;
      const options = { ...OPTIONS, data: folder, epochs: 500 };
      await Deno.writeTextFile(file, JSON.stringify({ options, vary: { lr: [0.01, 0.02] } }));
      await using sweep = startCli(["sweep", file, "--out", out]);
      await sweep.line(/^ *1\/500 /);
      const { code, stdout, stderr } = await sweep.end("SIGTERM");
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, `The sweep was stopped. Go on with:\n  deno task sweep ${file} --out ${out}\n`);
      assertEquals([...Deno.readDirSync(out)].map(({ name }) => name).sort(), ["001", "sweep.json"]);
      assert((await Deno.stat(`${out}/001/last.safetensors`)).isFile);
    }),
});
