import { assertAlmostEquals } from "@std/assert";
import { compile, CpuBackend, f32, Graph } from "../core/mod.ts";
import { softTargetCrossEntropy } from "./soft_target_cross_entropy.ts";

Deno.test("softTargetCrossEntropy() gives PyTorch's loss and gradient", async () => {
  // l = torch.tensor([[1, 2, 3], [0, -1, 0.5]]); t = torch.tensor([[0.2, 0.3, 0.5], [0.9, 0, 0.1]])
  // c = F.cross_entropy(l, t); c.backward()
  const graph = new Graph({ training: true });
  const x = graph.input("x", f32([2, 3])), targets = graph.input("targets", f32([2, 3]));
  const [loss] = softTargetCrossEntropy.apply(graph, [x, targets]);
  const [dx] = softTargetCrossEntropy.gradient!(graph, graph.nodes[0] as never, [
    graph.constant(1, f32([])),
    undefined,
  ]);
  const program = await compile(graph, new CpuBackend(), { outputs: { loss, dx: dx! }, poison: true });
  program.write("x", Float32Array.of(1, 2, 3, 0, -1, 0.5));
  program.write("targets", Float32Array.of(0.2, 0.3, 0.5, 0.9, 0, 0.1));
  program.run();
  assertAlmostEquals((await program.read("loss"))[0], 1.0808682442, 1e-6);
  const expected = [-0.0549847111, -0.0276357606, 0.0826205015, -0.2842504978, 0.0609758161, 0.2232746929];
  (await program.read("dx")).forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-6));
});
