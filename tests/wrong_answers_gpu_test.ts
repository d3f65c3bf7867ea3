/** Finite wrong answers: what `doctor --kernels` and the tuner notice of them. */

import { assert, assertEquals } from "@std/assert";
import { checkKernels, wrongAnswers } from "../cli/doctor/check_kernels.ts";
import { listOps, WebGpuBackend } from "../core/mod.ts";
import { gpuTest } from "./_gpu.ts";
import { answerWrongly, WRONG_ANSWERS } from "./_wrong_answers.ts";

const ops = listOps().filter(({ name }) => ["globalAveragePool", "linear"].includes(name));

gpuTest("the kernels of a device that answers rightly are right", async (backend) => {
  const { ops: count, right, wrong } = await checkKernels(backend, ops);
  assertEquals([count, wrong], [2, []]);
  assert(right > 10);
});

for (const how of WRONG_ANSWERS) {
  gpuTest(`kernels that give wrong answers are named: ${how}`, async () => {
    const backend = await WebGpuBackend.create();
    answerWrongly(backend.device, { how, pipelines: /^globalAveragePool/ });
    const { wrong, right } = await checkKernels(backend, ops);
    assert(right > 0 && wrong.length > 0, `${wrong.length} wrong, ${right} right`);
    for (const message of wrong) {
      assert(/^globalAveragePool\(.*: webgpu, .*: element \d+ of .* is \S+, expected /.test(message), message);
    }
    const { message } = wrongAnswers(backend.adapter.name, wrong);
    assert(message.includes("update the driver or use --backend cpu: globalAveragePool(") && !message.includes("\n"));
    backend.destroy();
  });
}
