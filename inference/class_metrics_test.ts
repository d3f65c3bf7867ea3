import { assertAlmostEquals, assertEquals } from "@std/assert";
import golden from "../tests/golden/evaluation/metrics.json" with { type: "json" };
import { classMetrics, evaluateLogits } from "./mod.ts";

Deno.test("classMetrics() gives scikit-learn's figures, also of classes without images or predictions", () => {
  const { loss, confusion } = evaluateLogits(Float32Array.from(golden.logits), golden.labels, golden.classes);
  assertAlmostEquals(loss, golden.loss, 1e-9);
  const { classes, macro } = classMetrics(confusion);
  assertEquals(classes.length, golden.classes);
  classes.forEach(({ images, predicted, right, ...scores }, k) => {
    const { precision, recall, f1, ...counts } = golden.perClass[k];
    assertEquals({ images, predicted, right }, counts);
    assertAlmostEquals(scores.precision, precision, 1e-12);
    assertAlmostEquals(scores.recall, recall, 1e-12);
    assertAlmostEquals(scores.f1, f1, 1e-12);
  });
  assertAlmostEquals(macro.precision, golden.macro.precision, 1e-12);
  assertAlmostEquals(macro.recall, golden.macro.recall, 1e-12);
  assertAlmostEquals(macro.f1, golden.macro.f1, 1e-12);
});

Deno.test("classMetrics() of no images is 0", () => {
  assertEquals(classMetrics([[0, 0], [0, 0]]).macro, { precision: 0, recall: 0, f1: 0 });
});
