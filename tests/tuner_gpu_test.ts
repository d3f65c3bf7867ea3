/** The tuner on WebGPU: what it measures, what it keeps, and what it refuses. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  compile,
  f32,
  Graph,
  implement,
  type Implementation,
  kernelTable,
  oneWay,
  type Op,
  OutOfMemoryError,
  parseKernelTable,
  plan,
  type TuneComparison,
  type TunedChoice,
  type TuneOptions,
  TuningTable,
  type VariantChooser,
  WebGpuBackend,
  type WebGpuVariant,
} from "../core/mod.ts";
import { compareSteps } from "../core/webgpu/tuning/compare_steps.ts";
import { linear } from "../ops/mod.ts";
import { countTime } from "./_counted_time.ts";
import { gpuTest } from "./_gpu.ts";

/** A small product, since it is not the time of the device that counts, and the elements of its result. */
const X = f32([9, 8]), W = f32([12, 8]), ELEMENTS = 9 * 12;

function product(op: Op = linear) {
  const graph = new Graph(), x = graph.input("x", X), w = graph.input("w", W);
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

gpuTest("a variant whose results are large and wrong never wins either", async (backend) => {
  const fast = "@compute @workgroup_size(1) fn main() { y[0] = 1.0; }";
  const op = withVariants(([first]) => [first, wrong(first, fast)]);
  const graph = new Graph(), store = new Map<string, TunedChoice>(), warnings: string[] = [];
  const [y] = graph.apply(op, [graph.input("x", f32([999, 40])), graph.input("w", f32([300, 40]))]);
  const tune = { store, warn: (text: string) => warnings.push(text) };
  await backend.tuner.choose(plan(graph, new Map([["y", y]])), tune);
  assertEquals([...store.values()].map(({ variant }) => variant === "wrong"), [false]);
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0], "the variant wrong is left out: it does not compute what the CPU does");
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
  const [z] = graph.apply(linear, [y, graph.input("v", f32([37, 12]))]);
  const stopped = { store, signal: controller.signal, progress: () => controller.abort() };
  await backend.tuner.choose(plan(graph, new Map([["z", z]])), stopped);
  assertEquals(store.size, 1);
});

/**
 * `linear` with a variant before the first that does the work thirty times, and runs untuned. The other's family is its own,
 * since the tuner of a backend remembers which families lost in other tests, on the real clock.
 */
const slowByDefault = withVariants(([first]) => [
  { ...first, name: "slow", family: "slow", kernels: Array.from({ length: 30 }, () => first.kernels).flat() },
  { ...first, family: "quick" },
], [{ ...PREFER_WRONG, family: "slow" }]);

/** y = x + total, and then total += 1, in the one way that is right. */
const onlyCounter: Op = {
  ...counter,
  webgpu: (node) => {
    const [, right] = counter.webgpu!(node).variants({} as never);
    return oneWay("counts", () => right);
  },
};

/** A step of a product and a counter, with a variable that it updates. */
function counted() {
  const graph = new Graph({ training: true });
  const total = graph.state("total", f32([ELEMENTS]), { kind: "constant", value: 1 });
  const [y] = graph.apply(slowByDefault, [graph.input("x", X), graph.input("w", W)]);
  const [sum] = graph.apply(onlyCounter, [y, total]);
  return { graph, sum };
}

gpuTest(
  "a program is compared as a whole with the timed kernels and without, and its variables are untouched",
  async (backend) => {
    using _time = countTime(backend.device);
    const { graph, sum } = counted(), store = new Map<string, TunedChoice>(), seen: TuneComparison[] = [];
    const total = backend.allocate(f32([ELEMENTS])), variables = new Map([["total", total]]);
    total.write(new Float32Array(ELEMENTS).fill(7));
    const tune: TuneOptions = { store, verified: (comparison) => seen.push(comparison) };
    const program = await compile(graph, backend, { outputs: { sum }, variables, tune });
    assertEquals((await total.read())[0], 7);
    program.run();
    assertEquals([(await program.read("sum"))[5], (await total.read())[5]], [7, 8]);
    program.destroy();
    const [choice] = store.values();
    assertEquals([seen.length, seen[0].kept, seen[0].after < seen[0].before], [1, true, true]);
    assertEquals([choice.variant === "slow", choice.saved! > 0], [false, true]);
    // What is known is not compared again, and nothing is where that is not wanted.
    (await compile(graph, backend, { outputs: { sum }, variables, tune })).destroy();
    store.clear();
    (await compile(graph, backend, { outputs: { sum }, variables, tune: { ...tune, verify: false } })).destroy();
    assertEquals(seen.length, 1);
    total.destroy();
  },
);

gpuTest("whole programs that do not fit together are compared one at a time", async (backend) => {
  const { graph, sum } = counted(), planned = plan(graph, new Map([["sum", sum]])), scalars: string[] = [];
  const choose = (pick: () => number): VariantChooser => (node) => node.op.name === "linear" ? pick() : 0;
  const needs = [0, 1].map((index) =>
    backend.memoryNeed(planned, { scalars, chooseVariant: choose(() => index) }).total
  );
  const need = Math.max(...needs), state = 4 * ELEMENTS;
  for (const memory of [2 * state + 1.5 * need, 2 * state + 2.5 * need, 1.5 * state + need]) {
    const small = await WebGpuBackend.create({ memory });
    using _time = countTime(small.device);
    try {
      const total = small.allocate(f32([ELEMENTS])), variables = new Map([["total", total]]);
      let most = 0;
      const counting = (index: number) => () => {
        most = Math.max(most, small.liveBytes);
        return index;
      };
      const slow = counting(0), fast = counting(1);
      const compared = compareSteps(small, planned, { variables, scalars }, choose(slow), choose(fast));
      if (memory < 2 * state + need) await assertRejects(() => compared, OutOfMemoryError);
      else assertEquals((await compared).kept, true);
      assert(most <= memory);
      assertEquals([small.liveBytes, (await total.read())[0]], [state, 0]);
      total.destroy();
    } finally {
      small.destroy();
    }
  }
});

gpuTest("a device that is kept at work is tuned alike", async (backend) => {
  const kept = await WebGpuBackend.create(), store = new Map<string, TunedChoice>(), seen: TuneComparison[] = [];
  using _time = countTime(kept.device);
  Object.defineProperty(kept.policy, "timing", { value: { warmUp: 0.06, keepBusy: 0.02 } });
  try {
    const tune = { store, verified: (comparison: TuneComparison) => seen.push(comparison) };
    assertEquals(await variantOf(kept, tune, slowByDefault), namesOf(backend)[0]);
    assertEquals(seen.map((comparison) => comparison.kept), [true]);
    await kept.finish();
    assertEquals(kept.liveBytes, 0);
  } finally {
    kept.destroy();
  }
});

gpuTest("the fastest of many variants is found, wherever it stands among them", async (backend) => {
  using _time = countTime(backend.device);
  for (const place of [1, 7, 14, 19]) {
    const op = withVariants(([first]) =>
      Array.from({ length: 20 }, (_, k) => ({
        ...first,
        name: `variant ${k}`,
        family: `family ${place} ${k}`,
        kernels: Array.from({ length: k === place ? 25 : 30 + k }, () => first.kernels).flat(),
      })), []);
    assertEquals(await variantOf(backend, { store: new Map() }, op), `variant ${place}`);
  }
});

gpuTest("choices with which a program is slower are not kept", async (backend) => {
  using _time = countTime(backend.device);
  const seen: TuneComparison[] = [],
    fast = slowByDefault.webgpu!(product().graph.nodes[0]).variants(backend.profile)[1];
  // The timing of the op alone goes wrong: the store hears that the slow variant won.
  class Misled extends Map<string, TunedChoice> {
    override set(key: string, choice: TunedChoice): this {
      return super.set(key, this.size === 0 ? { ...choice, variant: "slow" } : choice);
    }
  }
  const op = withVariants(() => slowByDefault.webgpu!(product().graph.nodes[0]).variants(backend.profile), [
    { ...PREFER_WRONG, family: fast.family },
  ]);
  const store = new Misled();
  assertEquals(await variantOf(backend, { store, verified: (comparison) => seen.push(comparison) }, op), fast.name);
  assertEquals(seen.map(({ kept }) => kept), [false]);
  assertEquals([...store.values()].map(({ variant }) => variant), [fast.name]);
});

gpuTest("the ops that take the longest are timed first, as long as the budget lasts", async (backend) => {
  const graph = new Graph(), small = graph.input("s", f32([8, 40])), large = graph.input("l", f32([99, 40]));
  const w = graph.input("w", f32([36, 40])), store = new Map<string, TunedChoice>(), seen: string[] = [];
  const outputs = new Map([small, large].map((x, k) => [`${k}`, graph.apply(linear, [x, w])[0]]));
  const planned = plan(graph, outputs), progress = (_done: number, _total: number, what: string) => seen.push(what);
  await backend.tuner.choose(planned, { store, progress, until: performance.now() - 1 });
  assertEquals([store.size, seen], [0, [""]]);
  await backend.tuner.choose(planned, { store, progress });
  assertEquals(seen.slice(1).map((what) => what.slice(0, 14)), ["linear(f32 [99", "linear(f32 [8,", ""]);
});

gpuTest("choices that were timed make a table, which chooses on any backend of such a device", async (backend) => {
  const store = new Map<string, TunedChoice>(), { variants, index } = backend.policy.explain(product().graph.nodes[0]);
  await variantOf(backend, { store });
  const [[key, choice]] = store, other = variants.find((_, k) => k !== index)!;
  assertEquals(variants.filter(({ family, version }) => `${family}@${version}` === choice.kernel).length > 0, true);
  // Another than would run anyhow, so that it is seen to be taken.
  const measured = { shapeClass: choice.shapeClass!, configuration: other.configuration, saved: 1 };
  const table = (device: string) =>
    parseKernelTable(
      JSON.stringify(kernelTable(device, "a test", [{ ...measured, kernel: `${other.family}@${other.version}` }])),
      "the test",
    );
  const { name, vendor } = backend.profile, tables = [table(vendor)], taken = new Map<string, TunedChoice>();
  assertEquals(await variantOf(backend, { store: taken, tables, measure: false }), other.name);
  assertEquals(taken.get(key)?.variant, other.name);
  assertEquals(
    await variantOf(backend, { store: new Map(), tables: [table("another")], measure: false }),
    variants[index].name,
  );
  const created = await WebGpuBackend.create({ tables: [table(name)] });
  try {
    const { graph, y } = product(), program = await compile(graph, created, { outputs: { y } });
    assertEquals((await program.profile())[0].variant, other.name);
    assertEquals(created.policy.explain(graph.nodes[0]).because, `the table of ${name}: a test`);
    program.destroy();
  } finally {
    created.destroy();
  }
});
