import { assert, assertEquals } from "@std/assert";
import { balancedClassWeights, balancedOrder } from "./class_balance.ts";

const labels = Uint8Array.from({ length: 1000 }, (_, i) => i < 900 ? 3 : i < 990 ? 0 : 1);

Deno.test("balancedClassWeights() gives each class the same share", () => {
  // 1000 / (3 · count) for 90, 10 and 900 images; class 2 has none.
  assertEquals(balancedClassWeights(labels, 4), [1000 / 270, 1000 / 30, 1, 1000 / 2700]);
});

Deno.test("balancedOrder() draws each class equally often, and within it each image, anew by seed and epoch", () => {
  const order = balancedOrder(labels, 5, 2), epochs = 60;
  assertEquals([order.length, balancedOrder(labels, 5, 2)], [1000, order]);
  assert(balancedOrder(labels, 5, 3).some((index, i) => index !== order[i]));
  assert(balancedOrder(labels, 6, 2).some((index, i) => index !== order[i]));
  const images = new Float64Array(1000), classes = new Float64Array(4);
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const index of balancedOrder(labels, 5, epoch)) {
      images[index % 1000]++;
      classes[labels[index % 1000]]++;
    }
  }
  // Within five standard deviations of a binomial of 60,000 draws.
  for (const label of [0, 1, 3]) assert(Math.abs(classes[label] / 60_000 - 1 / 3) < 5 * Math.sqrt(2 / 9 / 60_000));
  for (let index = 990; index < 1000; index++) assert(Math.abs(images[index] - 2000) < 5 * Math.sqrt(2000));
  assert(images.every((count) => count > 0));
});

Deno.test("balancedOrder() numbers the draws of an image", () => {
  const order = balancedOrder(labels, 1, 0), rare = order.filter((index) => index % 1000 === 995);
  assert(rare.length > 10);
  assertEquals([...rare], Array.from(rare, (_, k) => 995 + 1000 * k));
  assertEquals(new Set(order).size, 1000);
});
