/** The registry of ops: the only mutable state shared by a program. Importing an op's module registers it. */

import { ResiduaError } from "./util/errors.ts";
import type { Attributes, Op, OpDefinition } from "./op.ts";

const registry = new Map<string, Op>();

/**
 * Registers an op.
 *
 * @returns The op with its `apply`, which blocks call.
 *
 * @throws {ResiduaError} If an op of that name is registered already.
 *
 * @example
 * ```ts ignore
 * export const relu = registerOp({ name: "relu", ... });
 * const [y] = relu.apply(graph, [x]);
 * ```
 */
export function registerOp<A extends Attributes>(definition: OpDefinition<A>): Op<A> {
  const { name } = definition;
  if (registry.has(name)) {
    throw new ResiduaError(
      `An op named "${name}" is registered already (${describe(registry.get(name)!)}); ` +
        `the second one (${describe(definition as unknown as Op)}) needs another name`,
    );
  }
  const op: Op<A> = {
    ...definition,
    apply: (graph, inputs, attributes) => graph.apply(op, inputs, attributes),
  };
  registry.set(name, op as unknown as Op);
  return op;
}

function describe(op: Op): string {
  return `${op.name} with attributes ${JSON.stringify(op.attributes)}`;
}

/**
 * The op of that name.
 *
 * @throws {ResiduaError} If there is none.
 */
export function getOp(name: string): Op {
  const op = registry.get(name);
  if (op === undefined) {
    throw new ResiduaError(`No op named "${name}" is registered; import the module that defines it`);
  }
  return op;
}

/** All registered ops, in the order of registration. */
export function listOps(): Op[] {
  return [...registry.values()];
}
