/** Images that lie on the device are those that the CPU would have made, to the bit. */

import { assert, assertEquals } from "@std/assert";
import { compile, f32, Graph, u32 } from "../core/mod.ts";
import { Batcher, BatchLoader, measureNormalisation, ResidentImages, shapesSet } from "../data/mod.ts";
import { gatherImages } from "../ops/mod.ts";
import { inputsFor, Trainer } from "../train/mod.ts";
import { gpuTest } from "./_gpu.ts";
import { randomSet } from "./_runs.ts";
import { assertSame } from "./_same.ts";
import { SMALL, SMALL_BATCH } from "./_training.ts";

const { train: dataset, shape } = shapesSet({ trainCount: 50, validationCount: 0 });
const normalisation = measureNormalisation(dataset, shape);
const augmentation = { padding: 4, flip: true }, seed = 6, batch = 7;
const options = { shape, normalisation, augmentation, seed };

gpuTest("gatherImages() makes the images of a Batcher of resident bytes, to the bit", async (backend) => {
  const resident = ResidentImages.of(dataset, options, backend.maxResidentBytes)!;
  const graph = new Graph(), { words, levels } = resident;
  const [y] = gatherImages.apply(graph, [
    graph.input("words", u32([words.length])),
    graph.input("levels", f32([3, 256])),
    graph.input("views", u32([batch, 4])),
  ], { imageShape: shape });
  const program = await compile(graph, backend, { outputs: { y } });
  program.write("words", words);
  program.write("levels", levels);
  const batcher = new Batcher({ split: dataset, ...options });
  const made = batcher.allocate(batch), views = resident.allocate(batch);
  for (const [epoch, indices] of [[0, [0, 1, 2, 3, 49, 5, 6]], [3, [48, 7, 7, 12, 30, 0, 21]]] as const) {
    batcher.fill(Uint32Array.from(indices), epoch, made);
    resident.fill(Uint32Array.from(indices), epoch, views);
    program.write("views", views.views);
    program.run();
    assertEquals(views.labels, made.labels);
    assertSame(await program.read("y"), made.images);
  }
  program.destroy();
});

gpuTest("a trainer of resident images ends with the bits of one that is given them", async (backend) => {
  const { train: dataset, shape } = randomSet(50), batch = 2 * SMALL_BATCH, weights = [];
  const options = { shape, normalisation: measureNormalisation(dataset, shape), augmentation, seed };
  const ways = inputsFor(dataset, options, backend);
  assertEquals(ways.map(({ filler }) => filler instanceof ResidentImages), [true, false]);
  for (const inputs of ways) {
    const trainer = await Trainer.create({ model: SMALL, backend, batch, accumulate: 2, inputs });
    await using loader = new BatchLoader({ ...options, dataset, batch, shuffle: true, filler: inputs.filler });
    for (let step = 0; step < 3; step++) {
      const batch = await loader.fetch(1, step);
      assertEquals("views" in batch, inputs.filler !== undefined);
      trainer.step(batch, 0.05);
    }
    await trainer.results();
    weights.push(await trainer.variables.read(true));
    trainer.destroy();
  }
  assertSame(weights[1], weights[0]);
});

Deno.test("ResidentImages.of() takes only what the op can do, and what fits", () => {
  const taken = (more: object, mostBytes = Infinity) =>
    ResidentImages.of(dataset, { ...options, ...more }, mostBytes) !== undefined;
  assert(taken({}));
  assert(!taken({}, dataset.pixels.length - 1));
  assert(!taken({ augmentation: { ...augmentation, erasing: 0.5 } }));
  assert(!taken({ augmentation: { ...augmentation, mixup: 0.2 } }));
  assert(!taken({ normalisation: { mean: new Array(3072).fill(0.5), std: normalisation.std } }));
});
