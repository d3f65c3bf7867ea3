/** The tuner on WebGPU: what it measures, what it keeps, and what it refuses. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  compile,
  f32,
  Graph,
  implement,
  type Implementation,
  type Op,
  plan,
  type TunedChoice,
  type TuneOptions,
  TuningTable,
  type WebGpuBackend,
  type WebGpuVariant,
} from "../core/mod.ts";
import { linear } from "../ops/mod.ts";
import { gpuTest } from "./_gpu.ts";

function product(op: Op = linear) {
  const graph = new Graph(), x = graph.input("x", f32([33, 40])), w = graph.input("w", f32([36, 40]));
  const [y] = graph.apply(op, [x, w]);
  return { graph, y };
}

/** The variant that a product runs with. */
async function variantOf(backend: WebGpuBackend, tune: TuneOptions, op?: Op): Promise<string> {
  const { graph, y } = product(op);
  const program = await compile(graph, backend, { outputs: { y }, tune });
  try {
    return (await program.profile())[0].variant;
  } finally {
    program.destroy();
  }
}

/** `linear` with another list of variants. */
function withVariants(change: (variants: WebGpuVariant[]) => WebGpuVariant[], rules?: Implementation["rules"]): Op {
  return {
    ...linear,
    webgpu(spec) {
      const usual = linear.webgpu!(spec);
      return { variants: (device) => change(usual.variants(device)), rules: rules ?? usual.rules };
    },
  };
}

function namesOf({ policy }: WebGpuBackend): string[] {
  return policy.variants(product().graph.nodes[0]).map(({ name }) => name);
}

gpuTest("compile() measures a shape once, and takes the choice", async (backend) => {
  const store = new Map<string, TunedChoice>(), seen: (readonly [number, number, string])[] = [];
  const tune = { store, progress: (...state: [number, number, string]) => seen.push(state) };
  await variantOf(backend, tune);
  await variantOf(backend, tune);
  assertEquals(seen.map(([done, total]) => [done, total]), [[0, 1], [1, 1]]);
  assert(seen[0][2].startsWith("linear("), seen[0][2]);
  const [[key, choice]] = store, name = namesOf(backend).at(-1)!, { graph, y } = product();
  const [[candidate, { variants, kernels }], ...more] = backend.tuner.candidates(plan(graph, new Map([["y", y]])));
  assertEquals([candidate, variants, kernels, more.length], [key, namesOf(backend), choice.kernels, 0]);
  assert(namesOf(backend).includes(choice.variant), choice.variant);
  store.set(key, { ...choice, variant: name });
  const table = new TuningTable(backend.tuner.identity, store);
  const shipped = TuningTable.parse(JSON.stringify(table), "the test");
  assertEquals(await variantOf(backend, { store: shipped, measure: false }), name);
});

gpuTest("a choice among other kernels is void, and made anew", async (backend) => {
  const store = new Map<string, TunedChoice>(), names = namesOf(backend);
  await variantOf(backend, { store });
  const [[key, choice]] = store, last = { ...choice, variant: names.at(-1)! };
  const rewritten = withVariants((variants) =>
    variants.map((variant) => ({
      ...variant,
      kernels: variant.kernels.map((kernel) => ({ ...kernel, wgsl: `${kernel.wgsl}\n// another text` })),
    }))
  );
  const usual = await variantOf(backend, { store: new Map(), measure: false }, rewritten);
  for (const stale of [last, { ...choice, variant: "no such" }]) {
    store.set(key, stale);
    const op = stale === last ? rewritten : undefined;
    assertEquals(await variantOf(backend, { store, measure: false }, op), usual);
    await variantOf(backend, { store }, op);
    assert(names.includes(store.get(key)!.variant));
    assert(stale !== last || store.get(key)!.kernels !== choice.kernels);
  }
});

const PREFER_WRONG = { on: "any", because: "", family: "wrong", configuration: () => ({}), applies: () => true };

const wrong = (right: WebGpuVariant, wgsl: string): WebGpuVariant => ({
  name: "wrong",
  family: "wrong",
  version: 1,
  configuration: {},
  kernels: [{
    wgsl,
    bindings: [{ name: "y", index: right.kernels[0].bindings.at(-1)!.index, write: true }],
    workgroups: [1, 1, 1],
  }],
});

gpuTest("a variant that computes something else never wins, however fast, even as the first", async (backend) => {
  const fast = "@compute @workgroup_size(1) fn main() { y[0] = 1.0; }", [name] = namesOf(backend);
  const lists = [
    withVariants(([first]) => [first, wrong(first, fast)]),
    withVariants(([first]) => [wrong(first, fast), first]),
    withVariants(([first]) => [first, wrong(first, fast)], [PREFER_WRONG]),
  ];
  for (const op of lists) {
    const store = new Map<string, TunedChoice>(), warnings: string[] = [];
    assertEquals(await variantOf(backend, { store, warn: (text) => warnings.push(text) }, op), name);
    assertEquals([...store.values()].map(({ variant }) => variant), [name]);
    assertEquals(warnings.length, 1);
    assertStringIncludes(warnings[0], "the variant wrong is left out: it does not compute what the CPU does");
  }
});

gpuTest("a variant that does not compile is left out, and where none is right none is chosen", async (backend) => {
  const store = new Map<string, TunedChoice>(), warnings: string[] = [], warn = (text: string) => warnings.push(text);
  const broken = withVariants(([first]) => [first, wrong(first, "fn main() {")]);
  assertEquals(await variantOf(backend, { store, warn }, broken), namesOf(backend)[0]);
  assertStringIncludes(warnings[0], "the variant wrong is left out: The WGSL of linear (wrong) does not compile");
  const nothing = "@compute @workgroup_size(1) fn main() { y[0] = 1.0; }";
  const allWrong = withVariants(([first]) => [wrong(first, nothing), { ...wrong(first, nothing), name: "wrong too" }]);
  store.clear();
  assertEquals(await variantOf(backend, { store, warn }, allWrong), "wrong");
  assertEquals(store.size, 0);
  assertStringIncludes(warnings.at(-1)!, "no variant computes what the CPU does, so none is chosen");
});

/** y = x + total, and then total += 1. */
const counter: Op = {
  name: "counter",
  attributes: {},
  updates: [1],
  infer: ([x]) => [x],
  reference: () => ([x, total, y]) => {
    y.forEach((_, i) => y[i] = x[i] + total[i]);
    total.forEach((_, i) => total[i] += 1);
  },
  webgpu: ({ inputs: [{ shape: [length] }] }) =>
    implement(
      length,
      [["counts by two", 2], ["counts", 1]].map(([name, step]) => ({
        name: `${name}`,
        version: 1,
        supports: () => true,
        configurations: () => [{}],
        emit: () => ({
          kernels: [{
            wgsl: `@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
          if (id.x < ${length}u) { y[id.x] = x[id.x] + total[id.x]; total[id.x] += ${step}.0; }
        }`,
            bindings: [
              { name: "x", index: 0 },
              { name: "total", index: 1, write: true },
              { name: "y", index: 2, write: true },
            ],
            workgroups: [1, 1, 1],
          }],
        }),
      })),
    ),
  cost: () => ({ flops: 1, bytes: 1 }),
  samples: () => [],
  badSamples: () => [],
  apply: (graph, inputs) => graph.apply(counter, inputs),
};

gpuTest("an op that updates variables is tuned, and compared in what it updates", async (backend) => {
  const graph = new Graph({ training: true }), total = graph.state("total", f32([5]), { kind: "constant", value: 1 });
  const [y] = graph.apply(counter, [graph.input("x", f32([5])), total]);
  const store = new Map<string, TunedChoice>(), warnings: string[] = [];
  await backend.tuner.choose(plan(graph, new Map([["y", y]])), { store, warn: (text) => warnings.push(text) });
  assertEquals([...store.values()].map(({ variant }) => variant), ["counts"]);
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0], "the variant counts by two is left out");
});

gpuTest("tuning measures nothing if told so, and stops when it is asked to", async (backend) => {
  const store = new Map<string, TunedChoice>(), usual = await variantOf(backend, { store, measure: false });
  assertEquals(usual, await variantOf(backend, { store, signal: AbortSignal.abort() }));
  assertEquals(store.size, 0);
  const { graph, y } = product(), controller = new AbortController();
  const [z] = graph.apply(linear, [y, graph.input("v", f32([37, 36]))]);
  const stopped = { store, signal: controller.signal, progress: () => controller.abort() };
  await backend.tuner.choose(plan(graph, new Map([["z", z]])), stopped);
  assertEquals(store.size, 1);
});
