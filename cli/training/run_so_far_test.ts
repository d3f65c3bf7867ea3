import { assertEquals, assertStringIncludes } from "@std/assert";
import { CpuBackend } from "../../core/mod.ts";
import { RunFolder } from "../../disk/mod.ts";
import { withFolder } from "../../tests/_cli.ts";
import { randomSet, shortRun } from "../../tests/_runs.ts";
import { fit } from "../../train/mod.ts";
import { formatAnswers } from "../../train/validation_answers.ts";
import { formatPercent } from "../reports/format.ts";
import { bestText } from "../reports/run_summary.ts";
import { runSoFar } from "./run_so_far.ts";

Deno.test("runSoFar() tells the best as the run keeps it and its end says it, and nothing of a run that begins", () =>
  withFolder(async (location) => {
    await using folder = new RunFolder(location);
    assertEquals(await runSoFar({ folder, checkpoint: await folder.resume() }), { lines: [] });
    using backend = new CpuBackend();
    // Until a later epoch is kept than that of the highest accuracy.
    let highest = -1, isOther = false;
    await fit({
      ...shortRun({ ...randomSet(26), validation: randomSet(60).train }),
      backend,
      folder,
      epochs: 40,
      onEpoch: ({ validation: { top1 }, isBest }) => {
        isOther = isBest && top1 < highest;
        highest = Math.max(highest, top1);
        return isOther ? "stop" : undefined;
      },
    });
    assertEquals(isOther, true, "no epoch of less accuracy was kept");
    const checkpoint = await folder.resume(), { lines, best } = await runSoFar({ folder, checkpoint });
    const last = lines.filter((line) => line.kind === "epoch").at(-1)!;
    assertEquals(best, { epoch: last.epoch, top1: last.valTop1 });
    const end = bestText((await folder.readValidation())!, 40);
    assertStringIncludes(end, `Best epoch ${best!.epoch + 1} of 40: validation accuracy ${formatPercent(best!.top1)}`);
    assertEquals(await runSoFar({ folder, checkpoint: undefined }), { lines: [] });
    // Of very many images, answers are kept of a sample only.
    const answers = (await folder.readValidation())!,
      sample = { ...answers, images: answers.images.slice(0, 1), stride: 60 };
    await Deno.writeTextFile(`${location}/validation.json`, formatAnswers(sample));
    assertEquals((await runSoFar({ folder, checkpoint })).best, best);
    const lost = { ...last, epoch: last.epoch + 1 };
    await Deno.writeTextFile(`${location}/metrics.jsonl`, `${JSON.stringify(lost)}\n`, { append: true });
    assertEquals((await runSoFar({ folder, checkpoint })).lines, lines);
    await Deno.writeTextFile(`${location}/validation.json`, "{}");
    assertEquals(await runSoFar({ folder, checkpoint }), { lines });
  }));
