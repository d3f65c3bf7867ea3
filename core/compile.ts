/** Compiles a traced graph to a program: plans it, then hands the plan to the backend. */

import type { Backend, BackendCompileOptions, Executable, Storage } from "./backend.ts";
import { DeviceError, ShapeError } from "./util/errors.ts";
import type { Graph, Value } from "./graph/graph.ts";
import { type Plan, plan, type PlanOptions } from "./plan/plan.ts";
import { formatSpec, isFloat16, sameShape } from "./graph/shape.ts";
import type { TuneOptions } from "./webgpu/tuning/choices.ts";

/** The options of {@link compile}. */
export interface CompileOptions
  extends PlanOptions, Pick<BackendCompileOptions, "poison" | "chooseVariant" | "everyStep" | "collective"> {
  /** Values that can be read after a step, by name. */
  readonly outputs?: Readonly<Record<string, Value>>;
  /** Values of shape [] that are recorded each step, by name. */
  readonly scalars?: Readonly<Record<string, Value>>;
  /** Storage of parameters and states, by name. */
  readonly variables?: ReadonlyMap<string, Storage>;
  /** Chooses kernels by timing them, on backends that can. `chooseVariant` takes precedence. Defaults to no timing. */
  readonly tune?: TuneOptions;
}

/** A compiled program and the plan that it follows. */
export interface Program extends Executable {
  /** The nodes that run, and their memory. */
  readonly plan: Plan;
}

/**
 * Plans a graph and compiles it for a backend.
 *
 * @throws {ShapeError} If a variable has no storage, or one of another shape.
 * @throws {DeviceError} If the backend cannot run it.
 */
export async function compile(graph: Graph, backend: Backend, options: CompileOptions): Promise<Program> {
  const variables = options.variables ?? new Map<string, Storage>();
  const planned = plan(
    graph,
    new Map(Object.entries({ ...options.outputs, ...options.scalars })),
    { fuse: options.fuse, recompute: options.recompute, lean: options.lean },
  );
  if (!backend.hasFloat16 && planned.nodes.some(({ inputs, outputs }) => [...inputs, ...outputs].some(isFloat16))) {
    throw new DeviceError(`compile: the graph has tensors of f16, which the backend ${backend.description} has not`);
  }
  for (const value of planned.variables) {
    if (value.kind === "constant") continue;
    const storage = variables.get(value.name);
    if (storage === undefined) throw new ShapeError(`compile: the ${value.kind} "${value.name}" has no storage`);
    if (!sameShape(storage.spec.shape, value.spec.shape) || storage.spec.dtype !== value.spec.dtype) {
      throw new ShapeError(
        `compile: expected the ${value.kind} "${value.name}" to be ${formatSpec(value.spec)} but its storage is ${
          formatSpec(storage.spec)
        }`,
      );
    }
  }
  const { poison, chooseVariant, everyStep, collective, tune } = options, scalars = Object.keys(options.scalars ?? {});
  const compiled = { variables, scalars, poison, chooseVariant, everyStep, collective };
  const executable = tune === undefined || chooseVariant !== undefined || backend.tuner === undefined
    ? await backend.compile(planned, compiled)
    : await backend.tuner.compile(planned, compiled, tune);
  return Object.assign(executable, { plan: planned });
}
