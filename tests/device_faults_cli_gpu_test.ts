/** A device that fails under the commands of the command line: one sentence, 1, and files that are whole. */

import { assert, assertEquals } from "@std/assert";
import { ALL } from "./_all.ts";
import { besideFewSteps, unwrapped, withFolder } from "./_cli.ts";
import { type FaultKind, FAULTS, plantFault } from "./_faulty_device.ts";
import { withFastTicks } from "./_fast_ticks.ts";
import { gpuTest } from "./_gpu.ts";
import { writeImages } from "./_image_files.ts";
import { runInProcess } from "./_in_process.ts";

const UPDATE = "if that happens again, update the GPU's driver or use --backend cpu";
const GO_ON = "; the files of the run are whole, go on from the last checkpoint with --resume";
const HANGS = /The GPU .* has not answered for (\d+) seconds, so its driver seems to hang; where it is only slow, use /;

gpuTest(
  "commands end in a sentence where the device fails, and a run goes on with the same bytes",
  () =>
    withFolder(async (folder) => {
      const data = `${folder}/data`, run = (name: string) => `${folder}/${name}`;
      await writeImages(data, 5);
      const gpu = ["--backend", "webgpu", "--no-progress"];
      const train = (name: string) => [
        ...["train", "--data", data, "--size", "9", "--workers", "0", "--model", "resnet8", "--batch", "5", ...gpu],
        ...["--epochs", "2", "--checkpoint-steps", "1", "--out", run(name)],
      ];
      const best = (name: string) => Deno.readFile(`${run(name)}/best.safetensors`);
      let calls;
      {
        using counted = plantFault();
        const { code, stderr } = await runInProcess(train("whole"));
        assertEquals([code, besideFewSteps(stderr)], [0, ""]);
        calls = { ...counted.calls };
      }
      /** Runs a command on a device that fails, and gives what it says. */
      const fail = async (kind: FaultKind, at: number, args: readonly string[]) => {
        using planted = plantFault({ kind, at });
        const { code, stderr } = await withFastTicks(planted.happened, () => runInProcess(args));
        const [, told, after] = /^error: (.*)\n(.*)$/ms.exec(unwrapped(besideFewSteps(stderr))) ?? [];
        assertEquals([code, after], [1, ""], stderr);
        return told;
      };
      const late = (kind: FaultKind) => Math.floor(0.6 * calls[FAULTS[kind]]);

      const goOn = async (name: string) => {
        const { code, stderr } = await runInProcess(["train", "--resume", run(name), "--no-progress"]);
        assertEquals([code, besideFewSteps(stderr)], [0, ""]);
        assertEquals(await best(name), await best("whole"), name);
      };
      if (ALL) {
        const lost = await fail("lost at a submit", late("lost at a submit"), train("lost"));
        assertEquals(lost, `The GPU device was lost (destroyed: device was lost); ${UPDATE}${GO_ON}`);
        await goOn("lost");
        const evaluate = ["eval", "--checkpoint", run("whole"), ...gpu];
        assertEquals(
          await fail("a mapping fails", 1, evaluate),
          `Reading from the GPU failed: it went wrong; ${UPDATE}`,
        );
      }
      const hung = await fail("a mapping never ends", late("a mapping never ends"), train("hung"));
      assert(
        HANGS.test(hung) && hung.endsWith(`--stall-timeout ${4 * Number(HANGS.exec(hung)![1])}; ${UPDATE}${GO_ON}`),
      );
      await goOn("hung");
      // Nothing is resumed of what leaves no run.
      const image = `${data}/green/100.png`, predict = ["predict", "--checkpoint", run("whole"), image, ...gpu];
      const waiting = await fail("a mapping never ends", 1, predict);
      assert(HANGS.test(waiting) && waiting.endsWith(`; ${UPDATE}`), waiting);
    }),
);
