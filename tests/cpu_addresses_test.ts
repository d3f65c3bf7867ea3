/** The CPU backend at every address of its 4 GiB: above 2 GiB, up to the last byte, and with a tensor larger than 2 GiB. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Backend, compile, CpuBackend, f32, Graph, OutOfMemoryError } from "../core/mod.ts";
import { type Block, CpuMemory } from "../core/cpu/memory.ts";
import { cifarResNet } from "../models/mod.ts";
import { subsamplePad } from "../ops/mod.ts";
import { Trainer, trainingNeed } from "../train/mod.ts";
import { ABOVE_2_GIB, highBackend, highMemory } from "./_high_memory.ts";
import { smallBatch } from "./_training.ts";

const model = cifarResNet({ depth: 8, inputShape: [3, 12, 12], classes: 5 });
const options = { model, batch: 6, seed: 3 };

/** The bits of all variables after some steps. */
async function train(backend: Backend): Promise<Uint32Array[]> {
  const { images, labels } = smallBatch(model, options.batch), trainer = await Trainer.create({ ...options, backend });
  for (let step = 0; step < 3; step++) trainer.step({ images, labels }, 0.05);
  const variables = await trainer.variables.read(true);
  trainer.destroy();
  return [...variables.values()].map(({ data }) => new Uint32Array(data.buffer));
}

for (const build of ["relaxed SIMD", "SIMD"] as const) {
  Deno.test(`a model trains to the same bits above 2 GiB and in the last bytes of 4 GiB, with ${build}`, async () => {
    const low = await CpuBackend.create({ threads: 1, build }), expected = await train(low);
    const { total } = trainingNeed({ ...options, backend: low });
    low.destroy();
    for (const threads of [1, 2]) {
      const high = await highBackend(ABOVE_2_GIB, { threads, build });
      assertEquals(await train(high), expected);
      high.destroy();

      const memory = highMemory(ABOVE_2_GIB), last = await highBackend(memory, { threads, build });
      memory.allocate(memory.most - memory.liveBytes - total);
      assertEquals(await train(last), expected);
      // The very last: nothing else was left.
      memory.allocate(total);
      assertThrows(() => memory.allocate(1), OutOfMemoryError, "in the 4 GiB of one WebAssembly memory");
      last.destroy();
    }
  });
}

/** A memory that remembers what it gave. */
class RecordingMemory extends CpuMemory {
  readonly blocks: Block[] = [];

  override allocate(size: number): Block {
    const block = super.allocate(size);
    this.blocks.push(block);
    return block;
  }
}

Deno.test("kernels reach every element of a tensor of nearly 4 GiB", async () => {
  // Pages between the elements that are kept are not touched.
  const height = 4000, width = 249_000, stride = [1333, 83_000], shape = [1, 1, height, width];
  for (const threads of [1, 2]) {
    const memory = new RecordingMemory(), backend = await highBackend(memory, { threads });
    const graph = new Graph(), [y] = subsamplePad.apply(graph, [graph.input("x", f32(shape))], { stride, channels: 2 });
    const program = await compile(graph, backend, { outputs: { y } });
    const [, , rows, columns] = y.spec.shape, { address, bytes } = memory.blocks.find(({ bytes }) => bytes > 2 ** 31)!;
    assert(bytes > 3.7 * 2 ** 30);
    const x = memory.view({ address, bytes }, "f32", height * width).elements,
      expected = new Float32Array(2 * rows * columns);
    for (let i = 0; i < rows * columns; i++) {
      x[Math.floor(i / columns) * stride[0] * width + i % columns * stride[1]] = expected[i] = i + 1;
    }
    program.run();
    assertEquals(await program.read("y"), expected);
    program.destroy();
    backend.destroy();
  }
});

Deno.test("what does not fit in 4 GiB is refused by a sentence, with nothing taken", async () => {
  const backend = new CpuBackend(), before = backend.liveBytes, graph = new Graph();
  const [y] = subsamplePad.apply(graph, [graph.input("x", f32([1, 1, 32_000, 32_000]))], {
    stride: [1, 1],
    channels: 1,
  });
  const refused = await assertRejects(() => compile(graph, backend, { outputs: { y } }), OutOfMemoryError);
  assertEquals(
    refused.message,
    "The CPU backend is out of memory: 3908 MiB are in use and 3907 MiB more do not fit in the 4 GiB of one WebAssembly memory",
  );
  await assertRejects(
    () => Trainer.create({ ...options, backend, batch: 60_000 }),
    OutOfMemoryError,
    "resnet8 cannot be trained on a batch of 60000: it takes ",
  );
  assertEquals(backend.liveBytes, before);
  backend.destroy();
});
