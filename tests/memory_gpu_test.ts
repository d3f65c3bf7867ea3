/** Memory on WebGPU: known before it is taken, and given back when there is not enough. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  compile,
  DEVICE_PROFILES,
  f32,
  Graph,
  KernelPolicy,
  OutOfMemoryError,
  plan,
  type TuneOptions,
  type Value,
  type VariantChooser,
  WebGpuBackend,
} from "../core/mod.ts";
import { createPrograms } from "../train/_programs.ts";
import { traceStep, Trainer, uploadedInputs } from "../train/mod.ts";
import { Variables } from "../weights/mod.ts";
import { gpuTest } from "./_gpu.ts";
import { checkAccumulation, checkDivision, checkMemoryNeed, checkRefusal, type OpenLimited } from "./_memory.ts";
import { randomChoices } from "./_random_choices.ts";
import { SMALL, SMALL_BATCH, smallBatch } from "./_training.ts";

gpuTest("what training takes on WebGPU is known by planning, to the byte", checkMemoryNeed);

gpuTest("the same by the kernels, the bindings and the largest buffer of an H100", async () => {
  const backend = await WebGpuBackend.create(), hopper = DEVICE_PROFILES["nvidia-hopper"];
  const { maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup } = backend.limits;
  const limits = { ...hopper.limits, maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup };
  // What this adapter cannot do is only to run more in a workgroup, or to bind more at once than a dispatch needs.
  Object.defineProperties(backend, {
    policy: { value: new KernelPolicy({ ...hopper, limits, float16: backend.hasFloat16 }) },
    capacity: { value: { tensor: limits.maxStorageBufferBindingSize, total: Infinity } },
  });
  await checkMemoryNeed(backend);
  backend.destroy();
});

gpuTest(
  "a batch in parts takes no more memory on WebGPU than a whole one, beside the mean gradients",
  checkAccumulation,
);

gpuTest("memory is known by planning on WebGPU, to the byte, whichever kernels run", async (backend) => {
  const needs = new Set<number>();
  for (const precision of backend.hasFloat16 ? ["float32", "mixed"] as const : ["float32"] as const) {
    const { graph, scalars } = traceStep({ model: SMALL, batch: SMALL_BATCH, precision });
    const outputs = new Map<string, Value>(Object.entries(scalars)), planned = plan(graph, outputs);
    const variables = new Variables();
    variables.add(graph, backend, 0);
    let winograd = 0;
    const choosers: VariantChooser[] = [
      await backend.tuner.choose(planned, { store: randomChoices(backend, planned, 0), measure: false }),
      (_node, variants) => {
        const index = variants.findIndex(({ name }) => name.startsWith("winograd"));
        if (index >= 0) winograd++;
        return Math.max(0, index);
      },
    ];
    for (const chooseVariant of choosers) {
      const before = backend.liveBytes;
      const { total } = backend.memoryNeed(planned, { scalars: [...outputs.keys()], chooseVariant });
      const program = await compile(graph, backend, { scalars, variables: variables.storages, chooseVariant });
      assertEquals(backend.liveBytes - before, total);
      program.destroy();
      needs.add(total);
    }
    assert(winograd > 0);
    variables.destroy();
  }
  assert(needs.size > 1);
});

gpuTest("a run says what it takes on WebGPU, with validation, whichever kernels were chosen", async (backend) => {
  const graph = new Graph({ training: false }), before = backend.liveBytes;
  const logits = SMALL.forward(graph, graph.input("image", f32([SMALL_BATCH, ...SMALL.inputShape])));
  const store = randomChoices(backend, plan(graph, new Map([["logits", logits]])), 3);
  for (const tune of [undefined, { store, measure: false }] satisfies (TuneOptions | undefined)[]) {
    const { memory, validation, destroy } = await createPrograms({ model: SMALL, backend, batch: SMALL_BATCH, tune }, [
      uploadedInputs,
    ], 1);
    assertEquals(memory.total, memory.step + memory.variables + memory.validation);
    await validation();
    assertEquals(backend.liveBytes - before, memory.total);
    destroy();
  }
});

const open: OpenLimited = (memory) => WebGpuBackend.create({ memory });

gpuTest(
  "what does not fit on WebGPU leaves nothing behind, and an error that names the largest batch",
  () => checkRefusal(open),
);

gpuTest("fit() divides batches into as few parts as fit on WebGPU", () => checkDivision(open));

gpuTest("a device that runs out of memory is an error, after which it can be used", async () => {
  const backend = await WebGpuBackend.create(), { device } = backend, model = SMALL;
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
  const error = await assertRejects(() => Trainer.create({ model, backend, batch: 2 * SMALL_BATCH }), OutOfMemoryError);
  assertEquals(refused, 1);
  assertEquals(/^resnet8 cannot be trained on a batch of 12: /.test(error.message), true, error.message);
  assertEquals(backend.liveBytes, 0);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await backend.finish();
  const trainer = await Trainer.create({ model, backend, batch: SMALL_BATCH });
  trainer.step(smallBatch(model, SMALL_BATCH), 0.1);
  assertEquals((await trainer.results()).length, 1);
  trainer.destroy();
  backend.destroy();
});
