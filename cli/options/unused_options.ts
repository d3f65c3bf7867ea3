/** Options that would do nothing beside the others: they are refused, since who gives one expects something. */

import { UsageError } from "../../core/mod.ts";
import type { GivenOptions, OptionTable, Values } from "./option.ts";

/**
 * Refuses options that would do nothing, as their declarations tell, and values that contradict each other.
 *
 * @param table The options.
 * @param values The values that hold.
 * @param given The options that were written; those of a recipe or of a resumed run may go unheeded.
 * @throws {UsageError} If there are any: which, and why.
 */
export function rejectUnusedOptions<T extends OptionTable>(table: T, values: Values<T>, given: GivenOptions): void {
  for (const [name, { heededBy }] of Object.entries(table)) {
    const reason = name in given ? heededBy?.(values) : undefined;
    if (reason !== undefined) throw new UsageError(`--${name}: ${reason}`);
  }
  for (const { contradicts } of Object.values(table)) {
    const reason = contradicts?.(values);
    if (reason !== undefined) throw new UsageError(reason);
  }
}
