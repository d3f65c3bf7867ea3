/** The graph: what a model records when it is traced. Values are the edges; nodes are ops applied to values. */

import { autocast, CAST, type Precision } from "./autocast.ts";
import { ResiduaError, ShapeError } from "../util/errors.ts";
import type { Attributes, Op, OpSpec } from "../op.ts";
import { getOp } from "../registry.ts";
import { type DType, formatSpec, sameShape, type TensorSpec } from "./shape.ts";

/** The initial elements of a variable. `heNormal`: He et al. 2015, "Delving Deep into Rectifiers". */
export type Initializer =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "normal"; readonly deviation: number }
  | { readonly kind: "heNormal"; readonly fan: "in" | "out" }
  | { readonly kind: "fanInUniform"; readonly fanIn: number };

/** The origin of a value. */
export type ValueKind = "input" | "parameter" | "state" | "constant" | "computed";

/** A tensor in a graph. */
export interface Value {
  /** The value's number in its graph. */
  readonly id: number;
  /** The shape and the element type. */
  readonly spec: TensorSpec;
  /**
   * The origin.
   *
   * @internal
   */
  readonly kind: ValueKind;
  /** The name of an input or a variable; empty for a computed value. */
  readonly name: string;
  /**
   * The initial elements of a parameter, a state or a constant.
   *
   * @internal
   */
  readonly initializer?: Initializer;
}

/** An op applied to values. */
export interface Node<A extends Attributes = Attributes> extends OpSpec<A> {
  /** The op. */
  readonly op: Op<A>;
  /** The arguments. */
  readonly arguments: readonly Value[];
  /** The results. */
  readonly results: readonly Value[];
  /** The names of the ops that it replaces, if the planner fused them. */
  readonly fused?: readonly string[];
}

/** The options of a {@link Graph}. */
export interface GraphOptions {
  /** Whether blocks record what training needs. Defaults to false. */
  readonly training?: boolean;
  /** The precision in which the graph computes. Defaults to float32. */
  readonly precision?: Precision;
  /**
   * The batch norms that normalise by their running statistics in training too, and leave these as they are, by their names,
   * such as `layer1.0.bn1`. Defaults to none.
   */
  readonly fixedNorm?: (name: string) => boolean;
  /** The ranks over whose batches batch norm takes its statistics in training. Defaults to 1: this one's alone. */
  readonly statisticsRanks?: number;
}

/**
 * Records what a model computes.
 *
 * @example
 * ```ts
 * import { f32, Graph } from "@residua/residua";
 * const graph = new Graph({ training: true });
 * const image = graph.input("image", f32([8, 3, 32, 32]));
 * console.log(image.spec.shape); // [ 8, 3, 32, 32 ]
 * ```
 */
export class Graph {
  /** Whether blocks record what training needs: batch statistics instead of running ones. */
  readonly training: boolean;
  /** The precision in which it computes. Under `mixed`, casts to f16 and f32 are recorded before ops. */
  readonly precision: Precision;
  /** The ranks over whose batches batch norm takes its statistics; 1 where each takes those of its own. */
  readonly statisticsRanks: number;
  readonly #fixedNorm: (name: string) => boolean;
  /**
   * The nodes in the order of recording, which is an order of execution.
   *
   * @internal
   */
  readonly nodes: Node[] = [];
  readonly #values: Value[] = [];
  readonly #named = new Map<string, Value>();
  readonly #producers = new Map<Value, Node>();
  readonly #casts = new Map<Value, Value>();
  #forwardValues: number | undefined;

  /**
   * Starts empty.
   *
   * @param options `training`: whether blocks use batch statistics. Defaults to false. `precision`: the precision in which the
   * graph computes. Defaults to float32. `fixedNorm`: the batch norms that keep to their running statistics. Defaults to none.
   * `statisticsRanks`: the ranks over whose batches the others take theirs. Defaults to 1.
   */
  constructor(
    { training = false, precision = "float32", fixedNorm = () => false, statisticsRanks = 1 }: GraphOptions = {},
  ) {
    this.training = training;
    this.statisticsRanks = statisticsRanks;
    this.precision = precision;
    this.#fixedNorm = fixedNorm;
  }

  /**
   * Whether a batch norm takes its statistics of the batch, and its running statistics follow.
   *
   * @param name The layer's name, such as `layer1.0.bn1`.
   */
  takesBatchStatistics(name: string): boolean {
    return this.training && !this.#fixedNorm(name);
  }

  /** All values, in the order of recording. */
  get values(): readonly Value[] {
    return this.#values;
  }

  /** The number of values of the forward pass: those recorded before the graph was differentiated; nothing until then. */
  get forwardValues(): number | undefined {
    return this.#forwardValues;
  }

  /** Marks all that is recorded from now on as the backward pass; only the first call counts. */
  beginBackward(): void {
    this.#forwardValues ??= this.#values.length;
  }

  /** The parameters, in the order of recording. */
  get parameters(): Value[] {
    return this.#values.filter((value) => value.kind === "parameter");
  }

  /** A value that is written before each step. */
  input(name: string, spec: TensorSpec): Value {
    return this.#addNamed({ kind: "input", name, spec });
  }

  /**
   * A trained variable. The same name gives the same value, so that layers can share weights; another shape is an error.
   *
   * @internal
   */
  parameter(name: string, spec: TensorSpec, initializer: Initializer): Value {
    return this.#variable({ kind: "parameter", name, spec, initializer });
  }

  /**
   * A variable that is kept between steps but not differentiated, such as a running mean or a momentum.
   *
   * @internal
   */
  state(name: string, spec: TensorSpec, initializer: Initializer): Value {
    return this.#variable({ kind: "state", name, spec, initializer });
  }

  /**
   * A tensor filled with one number.
   *
   * @internal
   */
  constant(value: number, spec: TensorSpec): Value {
    const name = `constant ${value} ${formatSpec(spec)}`;
    const initializer: Initializer = { kind: "constant", value };
    return this.#named.get(name) ?? this.#addNamed({ kind: "constant", name, spec, initializer });
  }

  /**
   * Records an op.
   *
   * @returns The op's outputs.
   * @throws {ShapeError} If the op does not take these inputs or attributes.
   * @internal
   */
  apply<A extends Attributes>(op: Op<A>, given: readonly Value[], attributes: Partial<A> = {}): Value[] {
    for (const name of Object.keys(attributes)) {
      if (!(name in op.attributes)) throw new ShapeError(`${op.name}: there is no attribute named ${name}`);
    }
    const resolved = { ...op.attributes, ...attributes };
    const inputs = this.precision === "mixed"
      ? autocast(op, given, resolved, (value, dtype) => this.#cast(value, dtype))
      : given;
    const specs = inputs.map((value) => value.spec);
    const outputs = op.infer(specs, resolved);
    for (const index of op.updates ?? []) {
      const { kind, name } = inputs[index];
      this.#casts.delete(inputs[index]);
      if (kind !== "parameter" && kind !== "state") {
        throw new ShapeError(
          `${op.name}: argument ${index} is updated in place, so it must be a variable, not ${kind} ${name}`,
        );
      }
    }
    const results = outputs.map((spec) => this.#add({ kind: "computed", name: "", spec }));
    const node: Node<A> = { op, arguments: [...inputs], results, inputs: specs, outputs, attributes: resolved };
    this.nodes.push(node as unknown as Node);
    for (const value of results) this.#producers.set(value, node as unknown as Node);
    return results;
  }

  /** A value cast to another type; all readers share the cast. */
  #cast(value: Value, dtype: DType): Value {
    const known = this.#casts.get(value);
    if (known !== undefined) return known;
    const [result] = this.apply(getOp(CAST), [value], { to: dtype });
    this.#casts.set(value, result);
    return result;
  }

  /**
   * The node that computes a value, or nothing for an input or a variable.
   *
   * @internal
   */
  producer(value: Value): Node | undefined {
    return this.#producers.get(value);
  }

  #add(value: Omit<Value, "id">): Value {
    const added = { id: this.#values.length, ...value };
    this.#values.push(added);
    return added;
  }

  #addNamed(value: Omit<Value, "id">): Value {
    if (this.#named.has(value.name)) throw new ResiduaError(`The graph has a value named "${value.name}" already`);
    const added = this.#add(value);
    this.#named.set(value.name, added);
    return added;
  }

  #variable(value: Omit<Value, "id">): Value {
    const known = this.#named.get(value.name);
    if (known === undefined) return this.#addNamed(value);
    if (known.kind !== value.kind || !sameShape(known.spec.shape, value.spec.shape)) {
      throw new ShapeError(
        `${value.kind} "${value.name}" was ${known.kind} ${formatSpec(known.spec)} before and cannot also be ${
          formatSpec(value.spec)
        }`,
      );
    }
    return known;
  }
}
