import { assertEquals } from "@std/assert";
import { sumPartsWgsl } from "./split_k.ts";

Deno.test("sumPartsWgsl() adds each part once, from the first to the last", () => {
  for (let parts = 1; parts <= 40; parts++) {
    const size = 3, i = 2, partial = Array.from({ length: parts * size }, (_, index) => `${index} `);
    const script = sumPartsWgsl(parts, "i", size).replaceAll(/(\d)u\b/g, "$1")
      .replace("arrayLength(&partial)", "partial.length").replace("min(", "Math.min(");
    // Sums of texts keep their order.
    const sum = new Function("partial", "i", `${script}\nreturn sum;`)(partial, i);
    assertEquals(sum, Array.from({ length: parts }, (_, part) => `${part * size + i} `).join(""), `${parts}`);
  }
});
