/** Holds an op, forward and gradients, against what PyTorch gave. */

import { type Backend, compareArrays, compile, f32, getOp, Graph, u32, type Value } from "../core/mod.ts";
import "../ops/mod.ts";
import golden from "./golden/ops.json" with { type: "json" };
import windows from "./golden/windows.json" with { type: "json" };

/** One case of `tools/golden.py` or of `tools/golden_windows.py`. */
export interface GoldenCase {
  readonly op: string;
  /** What is particular about it. */
  readonly about?: string;
  /** Whether it is one of those that WebGPU is held to too. Defaults to it. */
  readonly webgpu?: boolean;
  readonly attributes: Record<string, unknown>;
  readonly inputs: readonly { readonly shape: number[]; readonly dtype: string; readonly data: number[] }[];
  readonly output: number[];
  readonly outputGradient: number[];
  readonly gradients: readonly (number[] | null)[];
}

// Most windows are among the samples of their ops, which hold WebGPU to float64: a software adapter compiles them once.
const WINDOWS: readonly GoldenCase[] = windows.map((each) => ({ webgpu: false, ...each }));

/** All cases. */
export const GOLDEN: readonly GoldenCase[] = [...golden, ...WINDOWS];

/** The op of a case and what is particular about it. */
export function goldenName({ op, about }: GoldenCase): string {
  return about === undefined ? op : `${op} (${about})`;
}

/** Runs a case on a backend and compares its output and its gradients. */
export async function checkGolden(backend: Backend, golden: GoldenCase): Promise<void> {
  const op = getOp(golden.op), graph = new Graph({ training: true });
  const inputs = golden.inputs.map(({ shape, dtype }, index) => {
    const spec = dtype === "f32" ? f32(shape) : u32(shape);
    return op.updates?.includes(index)
      ? graph.state(`${index}`, spec, { kind: "constant", value: 0 })
      : graph.input(`${index}`, spec);
  });
  const storages = new Map(
    inputs.filter(({ kind }) => kind === "state").map((value) => [value.name, backend.allocate(value.spec)]),
  );
  const outputs = graph.apply(op, inputs, golden.attributes as Record<string, number>), node = graph.nodes[0];
  const seed = graph.input("seed", outputs[0].spec);
  const gradients = op.gradient!(graph, node, outputs.map((_, index) => index === 0 ? seed : undefined));
  const read: Record<string, Value> = { output: outputs[0] };
  gradients.forEach((gradient, index) => {
    if (gradient !== undefined && golden.gradients[index] !== null) read[`gradient ${index}`] = gradient;
  });
  const program = await compile(graph, backend, { outputs: read, variables: storages, poison: true });
  golden.inputs.forEach(({ dtype, data }, index) => {
    const array = dtype === "f32" ? Float32Array.from(data) : Uint32Array.from(data),
      storage = storages.get(`${index}`);
    if (storage === undefined) program.write(`${index}`, array);
    else storage.write(array);
  });
  program.write("seed", Float32Array.from(golden.outputGradient));
  program.run();
  for (const [name, value] of Object.entries(read)) {
    const expected = name === "output" ? golden.output : golden.gradients[Number(name.split(" ")[1])]!;
    compareArrays(`${golden.op}, ${name}`, value.spec, await program.read(name), Float64Array.from(expected));
  }
  program.destroy();
  for (const storage of storages.values()) storage.destroy();
}
