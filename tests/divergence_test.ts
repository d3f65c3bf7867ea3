/** Divergence on the CPU and on the command line. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CpuBackend, NumericError } from "../core/mod.ts";
import { fit } from "../train/mod.ts";
import { checkDivergence, diverge, ruinousSchedule, RUN } from "./_divergence.ts";
import { runCli, withFolder, writeCifar } from "./_cli.ts";

Deno.test("fit() ends with an error where the last step diverges, and saves nothing of it, on the CPU", async () => {
  const backend = await CpuBackend.create({ threads: 2 });
  await checkDivergence(backend);
  backend.destroy();
});

Deno.test("fit() that is stopped after a step that diverges ends with an error, with a folder and without", async () => {
  const backend = new CpuBackend(), schedule = ruinousSchedule(6);
  const onStep = ({ step }: { readonly step: number }) => step === 6 ? "stop" : undefined;
  const { message, last } = await diverge({ backend, schedule, onStep });
  assertMatch(message, /^The tensor \S+ became \S+ at step 6, in epoch 2, /);
  assertEquals(last?.info?.progress?.steps, 4);
  await assertRejects(() => fit({ ...RUN, backend, schedule, onStep }), NumericError, "at step 6, in epoch 2");
});

Deno.test("train ends with 1 and a sentence where its last step diverges, and leaves no checkpoint", () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 16);
    const small = ["--model", "resnet8", "--batch", "8", "--backend", "cpu", "--threads", "1", "--lr", "3e38"];
    const { code, stderr, stdout } = await runCli([
      ...["train", "--data", folder, ...small, "--steps", "1", "--out", `${folder}/run`],
    ]);
    assertEquals(code, 1, stdout);
    assertMatch(
      stderr,
      /^warning: 1 step is few .*\nerror: The validation loss became \S+ at step 1, in epoch 1, with a learning rate of 3e\+38; start again with a lower --lr\n$/,
    );
    assert(!stdout.includes("The run is in"));
    const left = [...Deno.readDirSync(`${folder}/run`)].map(({ name }) => name);
    assertEquals(left.filter((name) => name.endsWith(".safetensors")), []);
  }));
