/** Holds the loss with weights of classes, and its gradient, to what PyTorch gave. */

import { assertAlmostEquals } from "@std/assert";
import { type Backend, compile, differentiate, f32, Graph } from "../core/mod.ts";
import { topKCorrect } from "../ops/mod.ts";
import { mixtureInputs, uploadedInputs } from "../train/mod.ts";
import golden from "./golden/training.json" with { type: "json" };

const IMAGES = 6, CLASSES = 5;

/** Feeds each case to a backend as a batch, as training does, and in parts whose mean is that of the batch. */
export async function checkClassWeights(backend: Backend): Promise<void> {
  for (
    const { labelSmoothing, weights: classWeights, logits, labels, mixture, loss, gradient } of golden.classWeights
  ) {
    const inputs = mixture === undefined ? uploadedInputs : mixtureInputs;
    const batch = {
      images: new Float32Array(IMAGES),
      labels: Uint32Array.from(labels),
      mixture: mixture && { labels: Uint32Array.from(mixture.labels), shares: Float32Array.from(mixture.shares) },
    };
    for (const parts of [1, 3]) {
      const count = IMAGES / parts, graph = new Graph({ training: true });
      const spec = { count, imageShape: [1, 1, 1], classes: CLASSES, labelSmoothing, classWeights };
      const recorded = inputs.record(graph, spec);
      const x = graph.parameter("logits", f32([count, CLASSES]), { kind: "constant", value: 0 });
      const mean = recorded.loss(x), [dx] = differentiate(graph, mean, [x]);
      const storage = backend.allocate(x.spec);
      const variables = new Map([["logits", storage]]);
      const [correct] = topKCorrect.apply(graph, [x, recorded.labels], { k: 1 });
      const outputs = { mean, dx: dx!, correct, images: recorded.images };
      const program = await compile(graph, backend, { outputs, variables, poison: true });
      const feed = inputs.connect(program, spec), size = count * CLASSES;
      let sum = 0;
      for (let part = 0; part < parts; part++) {
        storage.write(Float32Array.from(logits.slice(part * size, (part + 1) * size)));
        feed(batch, part, parts);
        program.run();
        sum += (await program.read("mean"))[0];
        (await program.read("dx")).forEach((value, i) =>
          assertAlmostEquals(value / parts, gradient[part * size + i], 1e-6)
        );
      }
      assertAlmostEquals(sum / parts, loss, 2e-6);
      program.destroy();
      storage.destroy();
    }
  }
}
