import { assertAlmostEquals, assertEquals } from "@std/assert";
import { compile, CpuBackend, f32, Graph, u32 } from "../core/mod.ts";
import { softmaxCrossEntropy } from "./softmax_cross_entropy.ts";

/** The loss, and its gradient by the logits. */
async function lossOf(logits: number[][], labels: number[], labelSmoothing = 0): Promise<[number, number[]]> {
  const graph = new Graph({ training: true }), shape = [logits.length, logits[0].length];
  const x = graph.input("x", f32(shape)), y = graph.input("y", u32([labels.length]));
  const [loss] = softmaxCrossEntropy.apply(graph, [x, y], { labelSmoothing });
  const [dx] = softmaxCrossEntropy.gradient!(graph, graph.nodes[0] as never, [graph.constant(1, f32([])), undefined]);
  const program = await compile(graph, new CpuBackend(), { outputs: { loss, dx: dx! }, poison: true });
  program.write("x", Float32Array.from(logits.flat()));
  program.write("y", Uint32Array.from(labels));
  program.run();
  return [(await program.read("loss"))[0], [...await program.read("dx")]];
}

Deno.test("softmaxCrossEntropy() gives PyTorch's loss and gradient", async () => {
  // l = torch.tensor([[1, 2, 3], [0, -1, 0.5]]); c = F.cross_entropy(l, torch.tensor([2, 0])); c.backward()
  const logits = [[1, 2, 3], [0, -1, 0.5]];
  const [loss, gradient] = await lossOf(logits, [2, 0]);
  assertAlmostEquals(loss, 0.7558682849, 1e-6);
  const expected = [0.0450152866, 0.1223642355, -0.1673795221, -0.3342505198, 0.0609758262, 0.2732746936];
  gradient.forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-6));
  // the same with label_smoothing=0.1
  const [smoothed, smoothedGradient] = await lossOf(logits, [2, 0], 0.1);
  assertAlmostEquals(smoothed, 0.8142016182, 1e-6);
  const expectedSmoothed = [0.0283486199, 0.1056975689, -0.1340461888, -0.3009171865, 0.0443091595, 0.256608027];
  smoothedGradient.forEach((value, i) => assertAlmostEquals(value, expectedSmoothed[i], 1e-6));
});

Deno.test("softmaxCrossEntropy() neither overflows nor underflows", async () => {
  assertEquals((await lossOf([[1e30, 0, -1e30]], [0]))[0], 0);
  assertAlmostEquals((await lossOf([[500, 500]], [1]))[0], Math.LN2, 1e-6);
});

Deno.test("softmaxCrossEntropy() is NaN for a label that is no class", async () => {
  assertEquals((await lossOf([[1, 2], [3, 4]], [2, 0]))[0], NaN);
  assertEquals((await lossOf([[1, 2], [3, 4]], [0, 4294967295]))[0], NaN);
});
