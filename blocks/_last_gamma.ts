/** The first scale of a residual block's last batch norm. */

import type { ResidualOptions } from "./residual.ts";

/** The first scale of a residual block's last batch norm. */
export function lastGamma({ zeroInitLastGamma = false, shortcut }: ResidualOptions): number {
  return zeroInitLastGamma && shortcut !== "none" ? 0 : 1;
}
