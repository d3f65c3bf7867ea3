/** A network of one's own, in ten lines of blocks, and a forward pass through it. */

import {
  bottleneckBlock,
  classifierHead,
  convNorm,
  invertedResidualBlock,
  openBackend,
  residualBlock,
  sequential,
} from "../mod.ts";
import { compileInference } from "../inference/mod.ts";
import { Variables } from "../weights/mod.ts";

/** Small images of any kind in ten classes: one block of each kind, the resolution halved twice. */
export const ownNetwork = sequential({
  name: "own",
  classes: 10,
  inputShape: [3, 32, 32],
  layers: [
    { name: "stem", block: convNorm({ conv: "stem.0", norm: "stem.1", channels: 16 }) },
    { name: "basic", block: residualBlock({ name: "basic", channels: 32, stride: 2, shortcut: "A" }) },
    { name: "narrow", block: bottleneckBlock({ name: "narrow", channels: 16, stride: 2, downsampling: "maxPool" }) },
    { name: "wide", block: invertedResidualBlock({ name: "wide", channels: 64, expansion: 4 }) },
    { name: "fc", block: classifierHead("fc", 10, { dropout: 0.1 }) },
  ],
});

if (import.meta.main) {
  const backend = await openBackend("auto"), batch = 2;
  const program = await compileInference(ownNetwork, backend, batch, new Variables());
  program.write("image", Float32Array.from({ length: batch * 3 * 32 * 32 }, (_, i) => Math.sin(i)));
  program.run();
  console.log(backend.description, await program.read("logits"));
  backend.destroy();
}
