import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Backend, BackendCompileOptions } from "./backend.ts";
import { checkOp } from "./check_op.ts";
import { CpuBackend } from "./cpu/backend.ts";
import type { Node } from "./graph/graph.ts";
import { f32 } from "./graph/shape.ts";
import { bytesMoved, type NumericArray, type Op, type OpDefinition, type Sample } from "./op.ts";
import type { Plan } from "./plan/plan.ts";
import { registerOp } from "./registry.ts";
import { ResiduaError, ShapeError } from "./util/errors.ts";
import type { VariantChooser } from "./webgpu/tuning/choices.ts";

let ops = 0;

/** An op of y = 2x on the CPU, but for what is given. */
function doubling(changes: Partial<OpDefinition> = {}): Op {
  return registerOp({
    name: `doubling${ops++}`,
    attributes: {},
    infer(inputs) {
      if (inputs.length === 1) return [inputs[0]];
      throw new ShapeError(`${this.name}: expected one input`);
    },
    reference: () => ([x, y]) => x.forEach((value, i) => y[i] = 2 * value),
    cost: (spec) => ({ flops: 1, bytes: bytesMoved(spec) }),
    samples: () => [2, 3, 4].map((length) => ({ inputs: [f32([length])] })),
    badSamples: () => [{ inputs: [], message: "expected one input" }],
    ...changes,
  });
}

/** A kernel of the CPU that is wrong where it is told to be. */
const wrongWhere =
  (isWrong: (length: number) => boolean): OpDefinition["cpu"] => ({ inputs: [{ shape: [length] }] }) => ({
    stages: [{
      tasks: 1,
      run: ([x, y]) => x.forEach((value, i) => y[i] = isWrong(length) ? 3 * value + 1 : 2 * value),
    }],
  });

Deno.test("checkOp() throws one error with all checks that failed", async () => {
  const op = doubling({ cpu: wrongWhere((length) => length !== 3), cost: () => ({ flops: NaN, bytes: 1 }) });
  const { message } = await assertRejects(() => checkOp(op), ResiduaError) as Error;
  const lines = message.split("\n");
  assertEquals(lines[0], `${op.name}: 5 checks failed`);
  assertEquals(lines.filter((line) => line.includes("expected a cost")).length, 3);
  assertEquals(lines.filter((line) => line.includes("cpu, output 0: element 0")).length, 2);
});

Deno.test("checkOp() throws the error of the only check that failed", async () => {
  const op = doubling({ cpu: wrongWhere((length) => length === 3) });
  const { message } = await assertRejects(() => checkOp(op), ResiduaError) as Error;
  assert(message.startsWith(`${op.name}(f32 [3]) {}: cpu, output 0: element 0 of f32 [3] is `), message);
});

Deno.test("checkOp() counts a sample that its own shape rule refuses as a failure, and goes on with the others", async () => {
  const samples = (): Sample[] => [{ inputs: [] }, { inputs: [f32([2])] }], names: string[] = [];
  const failed: string[] = [];
  const report = await checkOp(doubling({ samples }), {
    step: (name, run) => {
      names.push(name.slice(name.indexOf("(")));
      return run().catch((error) => failed.push(error.message.slice(error.message.indexOf(":"))));
    },
  });
  assertEquals(names, [
    "() {}: is refused",
    "() {}: shapes and cost",
    "(f32 [2]) {}: shapes and cost",
    "(f32 [2]) {}: cpu",
  ]);
  assertEquals(failed, [": expected one input"]);
  assertEquals(report.comparisons, 2);
});

Deno.test("checkOp() tells backends of one kind apart in the names of steps", async () => {
  const backends = [new CpuBackend(), await CpuBackend.create({ threads: 1, build: "SIMD" })], names: string[] = [];
  await checkOp(doubling(), {
    backends,
    step: (name, run) => {
      names.push(name);
      return run();
    },
  });
  for (const { description } of backends) {
    assertEquals(names.filter((name) => name.endsWith(`: ${description}`)).length, 3);
  }
  for (const backend of backends) backend.destroy();
});

Deno.test("checkOp() gives a sample the same numbers whatever the others are", async () => {
  /** The inputs of the sample of four elements. */
  const inputsWith = async (lengths: readonly number[]): Promise<NumericArray> => {
    let seen: NumericArray | undefined;
    const samples = () =>
      lengths.map((length): Sample => ({
        inputs: [f32([length])],
        fill: ([x]) => {
          if (length === 4) seen = x.slice();
        },
      }));
    await checkOp({ ...doubling({ samples }), name: "doubling" });
    return seen!;
  };
  assertEquals(await inputsWith([2, 3, 4]), await inputsWith([4, 2]));
});

/** A CPU backend that says to have two variants of every kernel, and for two elements one alone. */
function withVariants(): { readonly backend: Backend; readonly chosen: number[] } {
  const cpu = new CpuBackend(), chosen: number[] = [];
  const variants = (node: Node) =>
    (node.inputs[0].shape[0] === 2 ? ["a"] : ["a", "b"]).map((name) => ({
      name,
      family: "one",
      version: 1,
      configuration: { name },
      kernels: [],
    }));
  const backend = new Proxy<Backend>(cpu, {
    get(_, key) {
      if (key === "memoryNeed") {
        return (plan: Plan, { chooseVariant }: { chooseVariant: VariantChooser }) => {
          for (const node of plan.nodes) chooseVariant(node, variants(node));
          return cpu.memoryNeed(plan);
        };
      }
      if (key === "compile") {
        return (plan: Plan, options: BackendCompileOptions) => {
          for (const node of plan.nodes) chosen.push(options.chooseVariant!(node, variants(node)));
          return cpu.compile(plan, options);
        };
      }
      const value = cpu[key as keyof CpuBackend] as unknown;
      return typeof value === "function" ? value.bind(cpu) : value;
    },
  });
  return { backend, chosen };
}

for (
  const [variants, names, numbers] of [
    ["all", ["2: a", "3: a", "3: b", "4: a", "4: b"], [0, 0, 1, 0, 1]],
    ["covering", ["2: a", "3: b", "4: a"], [0, 1, 0]],
    ["families", ["2: a", "3: a", "4: a"], [0, 0, 0]],
  ] as const
) {
  Deno.test(`checkOp() checks ${variants} variants, a step each`, async () => {
    const { backend, chosen } = withVariants(), steps: string[] = [];
    await checkOp(doubling(), {
      backends: [backend],
      variants,
      step: (name, run) => {
        steps.push(name);
        return run();
      },
    });
    const found = steps.flatMap((name) => name.match(/f32 \[(\d)\]\) \{\}: cpu, (.)$/)?.slice(1).join(": ") ?? []);
    assertEquals(found, [...names]);
    assertEquals(chosen, [...numbers]);
  });
}
