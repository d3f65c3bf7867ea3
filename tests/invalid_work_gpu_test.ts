/** What one program gets wrong on the device is an error of that program alone. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  compile,
  DeviceError,
  elementCount,
  elementwise,
  f32,
  Graph,
  type Op,
  type Program,
  Random,
  WebGpuBackend,
} from "../core/mod.ts";
import { conv2d, relu } from "../ops/mod.ts";
import { gpuTest } from "./_gpu.ts";

/** Doubles its input, by a kernel of this text. */
function doubling(name: string, body: string): Op {
  return {
    ...relu as unknown as Op,
    name,
    webgpu: () => ({
      variants: () => [{
        name: "test",
        family: "test",
        version: 1,
        configuration: {},
        kernels: [{
          wgsl: elementwise(4, body),
          bindings: [{ name: "x", index: 0 }, { name: "y", index: 1, write: true }],
          workgroups: [1, 1, 1],
        }],
      }],
      rules: [],
    }),
  } as unknown as Op;
}

const RIGHT = doubling("rightOp", "y[i] = 2.0 * x[i];"), WRONG = doubling("wrongOp", "y[i] = nothing[i];");

function compileOp(backend: WebGpuBackend, op: Op): Promise<Program> {
  const graph = new Graph(), [y] = graph.apply(op, [graph.input("x", f32([4]))], {});
  return compile(graph, backend, { outputs: { y }, poison: true });
}

/** Whether the backend still computes. */
async function expectWorks(backend: WebGpuBackend): Promise<void> {
  const program = await compileOp(backend, RIGHT);
  program.write("x", Float32Array.of(1, 2, 3, 4));
  program.run();
  assertEquals(await program.read("y"), Float32Array.of(2, 4, 6, 8));
  program.destroy();
}

gpuTest("a kernel that reads nothing is bound and writes its results, and the backend goes on", async (backend) => {
  const graph = new Graph(), x = graph.input("x", f32([2, 36, 23, 2])), w = graph.input("w", f32([36, 1, 3, 3]));
  const [y] = conv2d.apply(graph, [x, w], { groups: 36, stride: [1, 3], padding: [1, 4], dilation: [1, 3] });
  const program = await compile(graph, backend, { outputs: { y }, poison: true }), random = new Random(6, "inputs");
  for (const { name, spec } of [x, w]) {
    program.write(name, Float32Array.from({ length: elementCount(spec.shape) }, () => random.normal()));
  }
  program.run();
  const result = await program.read("y");
  assert(result.every((value) => value === 0));
  program.destroy();
  await expectWorks(backend);
});

gpuTest("a shader that does not compile is an error of its program alone", async (backend) => {
  for (let k = 0; k < 2; k++) {
    await assertRejects(
      () => compileOp(backend, WRONG),
      DeviceError,
      "The WGSL of wrongOp (test) does not compile: line",
    );
  }
  await expectWorks(backend);
  // Of several it is the first that is told, under the name of whoever compiles it.
  const shader = (label: string, text: string) => ({ label, text, buffers: [] });
  const right = shader("right", "@compute @workgroup_size(1) fn main() {}"), same = "fn main() { nothing(); }";
  const shaders = [right, shader("first", same), shader("second", "fn"), right];
  await assertRejects(() => backend.pipelines.getAll(shaders), DeviceError, "The WGSL of first does not");
  await assertRejects(
    () => backend.pipelines.get(shader("another", same)),
    DeviceError,
    "The WGSL of another does not",
  );
  const [one, other] = await backend.pipelines.getAll([right, right]);
  assertEquals(one, other);
  await expectWorks(backend);
});

gpuTest("invalid work fails everything until its program is destroyed, and says which program it was", async () => {
  const backend = await WebGpuBackend.create(), other = await compileOp(backend, RIGHT);
  const program = await compileOp(backend, RIGHT), { device } = backend;
  const variable = backend.allocate(f32([4]));
  // A submit of a buffer that is gone is invalid.
  const gone = device.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
  gone.destroy();
  const create = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    device.createCommandEncoder = create;
    const encoder = create(descriptor);
    encoder.clearBuffer(gone);
    return encoder;
  };
  program.run();
  const about = "The GPU reported an error in the program that computes y: ";
  await assertRejects(() => program.read("y"), DeviceError, about);
  assertThrows(() => other.run(), DeviceError, about);
  await assertRejects(() => variable.read(), DeviceError, about);
  await assertRejects(() => backend.finish(), DeviceError, about);
  program.destroy();
  other.run();
  await backend.finish();
  await variable.read();
  await expectWorks(backend);

  device.queue.writeBuffer(gone, 0, new Float32Array(4));
  await assertRejects(() => backend.finish(), DeviceError, "The GPU reported an error: ");
  other.destroy();
  await assertRejects(() => backend.finish(), DeviceError, "The GPU reported an error: ");
  backend.destroy();
});

gpuTest("a device that is lost stays lost", async () => {
  const backend = await WebGpuBackend.create(), program = await compileOp(backend, RIGHT);
  backend.device.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertThrows(() => program.run(), DeviceError, "The GPU device was lost");
  program.destroy();
  await assertRejects(() => compileOp(backend, RIGHT), DeviceError, "The GPU device was lost");
  backend.destroy();
});
