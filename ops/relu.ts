/** ReLU: y = max(x, 0). The gradient passes where y > 0, so x need not be kept. */

import type { Op } from "../core/mod.ts";
import { registerActivation } from "./_activation.ts";

const { activation, gradient } = registerActivation("relu", Infinity);

/** ReLU of a float32 tensor of any shape (Nair and Hinton 2010). Inputs: `input`. Output: of the same shape. */
export const relu: Op = activation;

/** The gradient of {@link relu}. Inputs: `outputGradient`, `output`. Output: the gradient of the input. */
export const reluGradient: Op = gradient;
