/** Memory on WebGPU: known before it is taken, and given back when there is not enough. */

import { assertEquals, assertRejects } from "@std/assert";
import { OutOfMemoryError, WebGpuBackend } from "../core/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { Trainer } from "../train/mod.ts";
import { gpuTest } from "./_gpu.ts";
import { checkDivision, checkMemoryNeed, checkRefusal, type OpenLimited } from "./_memory.ts";

gpuTest("what training takes on WebGPU is known by planning, to the byte", checkMemoryNeed);

const open: OpenLimited = (memory) => WebGpuBackend.create({ memory });

gpuTest(
  "what does not fit on WebGPU leaves nothing behind, and an error that names the largest batch",
  () => checkRefusal(open),
);

gpuTest("fit() divides batches into as few parts as fit on WebGPU", () => checkDivision(open));

gpuTest("a device that runs out of memory is an error, after which it can be used", async () => {
  const backend = await WebGpuBackend.create(), { device } = backend, model = cifarResNet({ depth: 8 });
  const popped = device.popErrorScope.bind(device);
  let buffers = 0, refused = 0;
  const create = (descriptor: GPUBufferDescriptor): GPUBuffer =>
    GPUDevice.prototype.createBuffer.call(device, descriptor) as GPUBuffer;
  // No test can use up a device's memory: the 30th buffer is an invalid one, and its scope says why.
  device.createBuffer = (descriptor) => {
    if (++buffers !== 30) return create(descriptor);
    device.pushErrorScope("validation");
    const invalid = create({ ...descriptor, usage: 0 });
    void popped();
    device.popErrorScope = refuse;
    return invalid;
  };
  const refuse = async () => {
    device.popErrorScope = popped;
    refused++;
    await popped();
    return new GPUOutOfMemoryError("no memory");
  };
  const error = await assertRejects(() => Trainer.create({ model, backend, batch: 4 }), OutOfMemoryError);
  assertEquals(refused, 1);
  assertEquals(/^resnet8 cannot be trained on a batch of 4: /.test(error.message), true, error.message);
  assertEquals(backend.liveBytes, 0);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await backend.finish();
  const trainer = await Trainer.create({ model, backend, batch: 2 });
  trainer.step(new Float32Array(2 * 3072).map((_, i) => Math.sin(i)), Uint32Array.of(1, 2), 0.1);
  assertEquals((await trainer.results()).length, 1);
  trainer.destroy();
  backend.destroy();
});
