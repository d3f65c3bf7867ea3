import { assert, assertEquals, assertThrows } from "@std/assert";
import { CpuBackend, f32, Graph, plan, Random, u32, UsageError } from "../core/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { softmaxCrossEntropy } from "../ops/mod.ts";
import { frozenNames, parameterNames } from "./freeze.ts";
import { sgd } from "./optimizers/sgd.ts";
import { Trainer } from "./trainer.ts";

const model = cifarResNet({ depth: 8, inputShape: [3, 8, 8] }), names = parameterNames(model);

Deno.test("frozenNames() matches whole names, in their own order", () => {
  assertEquals(frozenNames(["fc.*", "conv1.weight"], names), ["conv1.weight", "fc.weight", "fc.bias"]);
  const norms = frozenNames(["*bn*"], names);
  assert(norms.includes("bn1.weight") && norms.includes("layer2.0.bn2.bias") && !norms.includes("fc.bias"));
  assertEquals(frozenNames(["*.*t"], names), names.filter((name) => name.endsWith("t")));
  assertEquals(frozenNames([], names), []);
});

Deno.test("frozenNames() suggests what a pattern may have meant", () => {
  const suggests = (pattern: string, near: string) =>
    assertThrows(
      () => frozenNames(["fc.*", pattern], names),
      UsageError,
      `"${pattern}"; did you mean ${near}? The model's parts`,
    );
  suggests("layer1", "layer1.*");
  suggests("layr2.*", "layer2.*");
  suggests("fc.wieght", "fc.weight");
  suggests("layer1.0.bn1", "layer1.0.bn1.*");
  assertThrows(() => frozenNames([".*"], ["conv1.weight"]), UsageError, 'No parameter matches ".*"');
  assertThrows(
    () => frozenNames([""], names),
    UsageError,
    "parts are conv1.*, bn1.*, layer1.*, layer2.*, layer3.*, fc.*",
  );
  // A dot is a dot, and other signs are themselves.
  assertThrows(() => frozenNames(["convXweight"], ["conv.weight"]), UsageError);
  assertThrows(() => frozenNames(["(conv|fc)+.weight"], ["conv.weight"]), UsageError);
});

Deno.test("frozenNames() matches as an expression would, and patterns of very many stars in no time", () => {
  const random = new Random(3),
    draw = (letters: string, most: number) =>
      Array.from({ length: random.integer(most + 1) }, () => letters[random.integer(letters.length)]).join("");
  let matched = 0;
  for (let k = 0; k < 4000; k++) {
    const pattern = draw("ab*", 6), texts = Array.from({ length: 6 }, () => draw("ab", 7)), words = [...new Set(texts)];
    if (/^\**$/.test(pattern)) continue;
    const expected = words.filter((word) => new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(word));
    if (expected.length === 0) assertThrows(() => frozenNames([pattern], words), UsageError);
    else assertEquals(frozenNames([pattern], [...words, "none"]).filter((word) => word !== "none"), expected, pattern);
    matched += expected.length;
  }
  assert(matched > 1000);
  const long = "a".repeat(10_000);
  assertThrows(() => frozenNames([`${"*a".repeat(3000)}*q`], [long]), UsageError, "No parameter matches");
  assertEquals(frozenNames([`${"*a".repeat(3000)}*`], [long, "b"]), [long]);
});

/** Trains for some steps and gives the variables. */
async function trained(freeze: readonly string[], steps: number) {
  const trainer = await Trainer.create({ model, backend: new CpuBackend(), batch: 4, seed: 5, freeze });
  const images = Float32Array.from({ length: 4 * 3 * 64 }, (_, k) => Math.sin(k));
  for (let k = 0; k < steps; k++) trainer.step({ images, labels: Uint32Array.of(1, 5, 2, 9) }, 0.05);
  await trainer.results();
  const tensors = await trainer.variables.read(true);
  trainer.destroy();
  return tensors;
}

Deno.test("frozen parameters stay to the bit, the others move as if nothing were frozen, statistics follow", async () => {
  const freeze = ["conv1.*", "bn1.*", "layer1.*", "layer3.0.bn2.weight"], frozen = frozenNames(freeze, names);
  const [start, free, held] = await Promise.all([trained([], 0), trained([], 1), trained(freeze, 1)]);
  for (const name of names) {
    assertEquals(held.get(name), (frozen.includes(name) ? start : free).get(name), name);
    assert(frozen.includes(name) || held.get(name)!.data.join() !== start.get(name)!.data.join(), name);
    assertEquals(held.has(`optimizer.momentum.${name}`), !frozen.includes(name), name);
  }
  assert(held.get("bn1.running_mean")!.data.join() !== start.get("bn1.running_mean")!.data.join());
  assertEquals(held.get("bn1.running_mean"), free.get("bn1.running_mean"));
});

Deno.test("what is before the first trained parameter has no backward pass", () => {
  const count = (freeze: readonly string[]) => {
    const graph = new Graph({ training: true }), label = graph.input("label", u32([4]));
    const logits = model.forward(graph, graph.input("image", f32([4, 3, 8, 8])));
    const [loss] = softmaxCrossEntropy.apply(graph, [logits, label]);
    sgd(graph, loss, { freeze });
    return plan(graph, new Map([["loss", loss]])).nodes.filter(({ op }) => op.name.endsWith("Gradient")).length;
  };
  const all = count([]), body = count(["conv1.*", "bn1.*", "layer*"]), head = count(["fc.*"]);
  assertEquals(head, all - 1);
  assertEquals(body, 2);
});

Deno.test("frozenNames() refuses to leave nothing to train", () => {
  assertThrows(() => frozenNames(["*"], names), UsageError, `All ${names.length} parameters are frozen by *`);
});
