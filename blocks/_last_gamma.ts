/** Where the last batch norm of a residual block starts. */

import type { ResidualOptions } from "./residual.ts";

/** What the scale of a residual block's last batch norm starts at. */
export function lastGamma({ zeroInitLastGamma = false, shortcut }: ResidualOptions): number {
  return zeroInitLastGamma && shortcut !== "none" ? 0 : 1;
}
