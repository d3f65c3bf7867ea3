import { assertAlmostEquals, assertEquals } from "@std/assert";
import golden from "../tests/golden/evaluation/metrics.json" with { type: "json" };
import { answerOf } from "./mod.ts";

Deno.test("answerOf() names the class and gives the probabilities of PyTorch's softmax", () => {
  const { classes, labels, answers } = golden, logits = Float32Array.from(golden.logits);
  labels.forEach((label, k) => {
    const answer = answerOf(logits.subarray(k * classes, (k + 1) * classes), label);
    assertEquals(answer.predicted, answers.predicted[k]);
    assertAlmostEquals(answer.probability, answers.probability[k], 1e-9);
    assertAlmostEquals(answer.labelProbability, answers.labelProbability[k], 1e-9);
  });
});

Deno.test("answerOf() takes the first of equal logits, and is as exact where they are large", () => {
  assertEquals(answerOf(Float32Array.of(-1e30, 800, 800), 2), {
    predicted: 1,
    probability: 0.5,
    labelProbability: 0.5,
  });
});
