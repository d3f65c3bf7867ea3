/** Memory on the command line: the line, a batch that is divided, what a resumed run repeats, errors. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { decodeSafetensors } from "../weights/mod.ts";
import { withFolder, writeCifar } from "./_cli.ts";
import { runInProcess } from "./_in_process.ts";
import { assertSame } from "./_same.ts";

const SMALL = [
  "--model",
  "resnet8",
  "--backend",
  "cpu",
  "--threads",
  "1",
  "--no-shuffle",
  "--lr",
  "0.01",
  "--schedule",
  "constant",
];

/** The MiB of a run and its parts, as its line says. */
function memoryOf(output: string): { total: number; parts: number[] } {
  const [, total, ...parts] =
    /^memory ([\d.]+) MiB: ([\d.]+) for a step, ([\d.]+) for variables, ([\d.]+) for validation$/m
      .exec(output)!.map(Number);
  return { total, parts };
}

Deno.test("train says what it takes, divides a batch that does not fit, and a resumed run divides alike", () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 24);
    const run = (name: string) => ["train", "--data", folder, ...SMALL, "--batch", "12", "--out", `${folder}/${name}`];
    const whole = await runInProcess([...run("whole"), "--epochs", "1"]);
    assertEquals(whole.code, 0, whole.stderr);
    const { total, parts } = memoryOf(whole.stdout);
    assert(Math.abs(parts.reduce((sum, part) => sum + part, 0) - total) < 0.2, whole.stdout);
    assert(!whole.stdout.includes("parts"), whole.stdout);

    // Beside the program there are the threads' scratch memory and a little more.
    const limit = String(Math.floor(0.75 * total) + 1);
    const divided = await runInProcess([...run("divided"), "--epochs", "2", "--memory", limit]);
    assertEquals(divided.code, 0, divided.stderr);
    assertMatch(
      divided.stdout,
      /^A batch of 12 does not fit in memory: (\d+) parts of \d+ images a batch; batch norm\s/m,
    );
    assert(memoryOf(divided.stdout).total < Number(limit), divided.stdout);
    const { accumulate } = JSON.parse(await Deno.readTextFile(`${folder}/divided/config.json`));
    assert(accumulate > 1);
    const told = await runInProcess([...run("told"), "--epochs", "2", "--accumulate", String(accumulate)]);
    assertMatch(told.stdout, new RegExp(`^${accumulate} parts of `, "m"));

    // More memory later changes nothing.
    await runInProcess([...run("half"), "--epochs", "1", "--memory", limit]);
    const resumed = await runInProcess(["train", "--resume", `${folder}/half`, "--epochs", "2", "--memory", "2000"]);
    assertEquals(resumed.code, 0, resumed.stderr);
    assertMatch(resumed.stdout, new RegExp(`^${accumulate} parts of `, "m"));
    const bytes = (name: string) => Deno.readFile(`${folder}/${name}/last.safetensors`);
    assertSame(await bytes("half"), await bytes("divided"));
    assertSame(await bytes("told"), await bytes("divided"));

    const again = await runInProcess([...run("again"), "--epochs", "1", "--recompute"]);
    assert(memoryOf(again.stdout).parts[0] < parts[0], again.stdout);
    assertEquals(
      decodeSafetensors(await bytes("again"), "again").tensors,
      decodeSafetensors(await bytes("whole"), "whole").tensors,
    );

    for (const given of [["--accumulate", "1", "--memory", limit], ["--memory", "2"]]) {
      const { code, stderr } = await runInProcess([...run("none"), ...given]);
      assertEquals(code, 1, stderr);
      assertEquals(stderr.trim().split("\n").length, 1, stderr);
      assertStringIncludes(stderr, "error: resnet8 cannot be trained on a batch of 12: it takes");
      assertMatch(
        stderr,
        given.length > 2 ? /the largest that fits is \d+, so use --batch \d/ : /not even one image fits/,
      );
    }
  }));

Deno.test("summary says what recomputation saves", async () => {
  const { stdout } = await runInProcess(["summary", "--model", "resnet20", "--batch", "16"]);
  const [, kept, again] = /([\d.]+) MiB of activations and gradients in \d+ buffers \(([\d.]+) MiB with --recompute\)/
    .exec(stdout)!.map(Number);
  assert(again < 0.6 * kept, stdout);
});
