/** Writes which WebGPU kernel runs for each layer of the networks, which `tests/kernel_choice_test.ts` holds it to. */

import { kernelChoices } from "../tests/_kernel_choice.ts";

await Deno.writeTextFile(
  new URL("../tests/golden/kernels.txt", import.meta.url),
  kernelChoices().map((line) => `${line}\n`).join(""),
);
