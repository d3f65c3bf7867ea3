/** AdamW: Adam whose weight decay does not go through the moments, as `torch.optim.AdamW`. */

import { f32, type Graph, UsageError, type Value } from "../../core/mod.ts";
import { adamwCorrections, adamwUpdate } from "../../ops/mod.ts";
import { OPTIMIZER_PREFIX } from "../../weights/mod.ts";
import { type DecayedParameters, decayOf, type Optimizer, optimizerState } from "./optimizer.ts";

/** The options of {@link adamwOptimizer}. */
export interface AdamwOptions {
  /** The share of the old mean of gradients that is kept. Defaults to 0.9. */
  readonly beta1?: number;
  /** The share of the old mean of squared gradients that is kept. Defaults to 0.999. */
  readonly beta2?: number;
  /** What is added to the root of the mean square. Defaults to 1e-8. */
  readonly epsilon?: number;
  /** The factor of the rate by which a step shrinks the weights. Defaults to 0.01. */
  readonly weightDecay?: number;
  /** What decays. Defaults to all parameters, as in PyTorch. */
  readonly decay?: DecayedParameters;
}

/** The corrections of both moments, which are the same for all parameters. */
function corrections(graph: Graph): Value {
  return graph.state(`${OPTIMIZER_PREFIX}adamwCorrections`, f32([2]), { kind: "constant", value: 0 });
}

/**
 * AdamW (Loshchilov and Hutter 2019, algorithm 2): m = beta1·m + (1 - beta1)·g; s = beta2·s + (1 - beta2)·g²;
 * p -= rate·weightDecay·p + rate·m' / (√s' + epsilon), where m' and s' are divided by 1 - betaᵗ after t steps. A step that mixed
 * precision leaves out does not count. Betas and epsilon: Kingma and Ba 2015, algorithm 1; the rate of 1e-3 too, which is the
 * default beside it.
 *
 * @throws {UsageError} If epsilon is not above 0, or a beta not from 0 to less than 1.
 *
 * @example
 * ```ts
 * import { fit, modelByName, openBackend, shapesSet } from "@residua/residua";
 * import { adamwOptimizer } from "@residua/residua/train";
 * using backend = await openBackend("cpu");
 * const set = shapesSet({ trainCount: 40, validationCount: 10 }), optimizer = adamwOptimizer({ weightDecay: 0.05 });
 * const { last } = await fit({ model: modelByName("resnet8"), backend, set, epochs: 1, batch: 20, optimizer });
 * console.log(last!.rate); // 0.001
 * ```
 */
export function adamwOptimizer(options: AdamwOptions = {}): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01, decay = "all" } = options;
  if (!(epsilon > 0)) throw new UsageError(`adamw: expected epsilon to be above 0 but it is ${epsilon}`);
  for (const [name, beta] of Object.entries({ beta1, beta2 })) {
    if (!(beta >= 0 && beta < 1)) {
      throw new UsageError(`adamw: expected ${name} to be from 0 to less than 1 but it is ${beta}`);
    }
  }
  return {
    takesFactor: true,
    defaultRate: 1e-3,
    begin(graph, factor) {
      adamwCorrections.apply(graph, [corrections(graph), ...(factor === undefined ? [] : [factor])], { beta1, beta2 });
    },
    update(graph, { parameter, gradient, rate, factor }) {
      const mean = optimizerState(graph, "mean", parameter, 0);
      const meanSquare = optimizerState(graph, "meanSquare", parameter, 0);
      const inputs = [parameter, mean, meanSquare, gradient, rate, corrections(graph)];
      const attributes = { beta1, beta2, epsilon, weightDecay: decayOf(parameter, weightDecay, decay) };
      adamwUpdate.apply(graph, factor === undefined ? inputs : [...inputs, factor], attributes);
    },
  };
}
