/** ReLU6: y = min(max(x, 0), 6), the activation of MobileNet-V2. */

import type { Op } from "../core/mod.ts";
import { registerActivation } from "./_activation.ts";

const { activation, gradient } = registerActivation("relu6", 6);

/** ReLU6 of a float32 tensor of any shape (Sandler et al. 2018, section 3). Inputs: `input`. Output: of the same shape. */
export const relu6: Op = activation;

/** The gradient of {@link relu6}. Inputs: `outputGradient`, `output`. Output: the gradient of the input. */
export const relu6Gradient: Op = gradient;
