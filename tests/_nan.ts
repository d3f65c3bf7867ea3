/** What becomes of NaN: it stays, as in PyTorch, so that a network that has diverged is seen to have. */

import { assert, assertEquals } from "@std/assert";
import { type Backend, compile, f32, Graph, Random, type Value } from "../core/mod.ts";
import { add, conv2dFused, maxPool2d, relu, relu6 } from "../ops/mod.ts";
import { Trainer } from "../train/mod.ts";
import { SMALL, SMALL_BATCH, smallBatch } from "./_training.ts";

const SIZE = [7, 19] as const, COUNT = SIZE[0] * SIZE[1];
/** Where the input is NaN: the first and the last of a line, and between. */
const PLACES = [0, 23, 56, 75, 94, COUNT - 1];

/** The places of NaN in the results of `record`, of random numbers [1, 1, 7, 19] with some that are NaN. */
async function nanPlaces(
  backend: Backend,
  record: (graph: Graph, x: Value) => Value,
  places = PLACES,
): Promise<number[]> {
  const graph = new Graph(), random = new Random(0, "nan");
  const outputs = { y: record(graph, graph.input("x", f32([1, 1, ...SIZE]))) };
  const program = await compile(graph, backend, { outputs, poison: true });
  program.write("x", Float32Array.from({ length: COUNT }, (_, i) => places.includes(i) ? NaN : random.normal()));
  program.run();
  const y = await program.read("y");
  program.destroy();
  return [...y.keys()].filter((i) => Number.isNaN(y[i]));
}

/** NaN goes through activations, alone and behind a convolution. */
export async function checkActivations(backend: Backend): Promise<void> {
  for (const activation of [relu, relu6]) {
    assertEquals(await nanPlaces(backend, (graph, x) => activation.apply(graph, [x])[0]), PLACES);
  }
  for (const activation of ["relu", "relu6"] as const) {
    const one = (graph: Graph, x: Value) => {
      const weight = graph.constant(1, f32([1, 1, 1, 1]));
      return conv2dFused.apply(graph, [x, weight, x], { residual: true, activation })[0];
    };
    assertEquals(await nanPlaces(backend, one), PLACES);
  }
  assertEquals(await nanPlaces(backend, (graph, x) => add.apply(graph, [x, x])[0]), PLACES);
}

/** The maximum of a window that holds NaN is NaN, wherever it is. */
export async function checkMaxPool(backend: Backend): Promise<void> {
  for (const stride of [1, 2]) {
    const padding = [1, 1], columns = Math.floor((SIZE[1] - 1) / stride) + 1;
    const pool = (graph: Graph, x: Value) =>
      maxPool2d.apply(graph, [x], { kernel: [3, 3], stride: [stride, stride], padding })[0];
    const rows = Math.floor((SIZE[0] - 1) / stride) + 1;
    const expected = Array.from({ length: rows * columns }, (_, i) => i).filter((i) => {
      const y = Math.floor(i / columns) * stride, x = i % columns * stride;
      return PLACES.some((place) =>
        Math.abs(Math.floor(place / SIZE[1]) - y) <= 1 && Math.abs(place % SIZE[1] - x) <= 1
      );
    });
    assert(expected.length > 0 && expected.length < rows * columns);
    assertEquals(await nanPlaces(backend, pool), expected);
  }
}

/** One NaN in an image reaches the loss of a step. */
export async function checkLoss(backend: Backend): Promise<void> {
  const { images, labels } = smallBatch(SMALL, SMALL_BATCH);
  const trainer = await Trainer.create({ model: SMALL, backend, batch: SMALL_BATCH });
  images[1000] = NaN;
  trainer.step({ images, labels }, 0.1);
  const [{ loss }] = await trainer.results();
  trainer.destroy();
  assert(Number.isNaN(loss), `the loss is ${loss}`);
}
