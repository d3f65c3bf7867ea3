/** Sums longer than one WebGPU thread may loop: right, or refused with a sentence, never silently cut short. */

import { assertRejects } from "@std/assert";
import {
  type Attributes,
  type Backend,
  compareArrays,
  compile,
  CpuBackend,
  DeviceError,
  elementCount,
  f32,
  Graph,
  type Op,
  Random,
  type Shape,
} from "../core/mod.ts";
import {
  averagePool2d,
  batchNormInferenceGradient,
  channelSum,
  conv2dWeightGradient,
  globalAveragePool,
  linear,
  maxPool2d,
} from "../ops/mod.ts";
import { gpuTest } from "./_gpu.ts";

async function run(backend: Backend, op: Op, shapes: readonly Shape[], attributes: Attributes, output: number) {
  const graph = new Graph(), random = new Random(6, op.name);
  const inputs = shapes.map((shape, index) => graph.input(`${index}`, f32(shape)));
  const program = await compile(graph, backend, {
    outputs: { y: op.apply(graph, inputs, attributes)[output] },
    poison: true,
  });
  try {
    for (const { name, spec } of inputs) {
      const count = elementCount(spec.shape);
      program.write(name, Float32Array.from({ length: count }, () => random.uniform(0.1, 1)));
    }
    program.run();
    return { spec: f32([]), data: await program.read("y") };
  } finally {
    program.destroy();
  }
}

const plane = [1, 2, 400, 400], channel = [1];
const CASES: readonly (readonly [Op, readonly Shape[], Attributes, number])[] = [
  [channelSum, [[5, 1, 1024, 1024]], {}, 0],
  [globalAveragePool, [plane], {}, 0],
  [linear, [[2, 100_000], [3, 100_000], [3]], {}, 0],
  [conv2dWeightGradient as unknown as Op, [plane, [1, 4, 400, 400]], { kernelSize: [1, 1] }, 0],
  [
    batchNormInferenceGradient as unknown as Op,
    [[5, 1, 1024, 1024], [5, 1, 1024, 1024], channel, channel, channel],
    {},
    2,
  ],
];

for (const [op, shapes, attributes, output] of CASES) {
  gpuTest(`${op.name} adds up ${shapes[0].join("x")} to the end on WebGPU`, async (backend) => {
    const expected = await run(new CpuBackend(), op, shapes, attributes, output);
    const actual = await run(backend, op, shapes, attributes, output);
    compareArrays(op.name, actual.spec, actual.data, expected.data);
  });
}

for (const op of [averagePool2d, maxPool2d]) {
  gpuTest(`${op.name} refuses a window that no thread can visit on WebGPU`, async (backend) => {
    const window = { kernel: [300, 300], stride: [300, 300], padding: [0, 0] };
    const attempt = () => run(backend, op as unknown as Op, [[1, 1, 300, 300]], window, 0);
    await assertRejects(attempt, DeviceError, "loop iterations");
  });
}
