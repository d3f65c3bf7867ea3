/**
 * Recomputation saves memory at the cost of time (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"). The
 * forward pass is split into segments; only values that cross from one segment to the next are kept. A segment is computed again
 * when the backward pass reaches it. This runs after fusion, so that the same kernels give the same bits again.
 */

import { assignBuffers } from "./assign_buffers.ts";
import type { Graph, Node, Value } from "../graph/graph.ts";
import { lifetimesOf } from "./lifetimes.ts";
import { getOp } from "../registry.ts";
import { byteSize } from "../graph/shape.ts";

/** The sizes of segments that are tried, as fractions of the bytes of all values that could be computed again. */
const FRACTIONS = Array.from({ length: 12 }, (_, k) => 2 ** -(k / 2));

/** The forward pass, and the values of it that later nodes read. */
interface Forward {
  readonly nodes: readonly Node[];
  /** The nodes after it. */
  readonly rest: readonly Node[];
  /** The index of the node that computes a value. */
  readonly producers: ReadonlyMap<Value, number>;
  /** The index of the last node of the forward pass that reads a value. */
  readonly lastReaders: ReadonlyMap<Value, number>;
  /** The values that can be computed again, and the application of an op that does so. */
  readonly repeatable: ReadonlyMap<Value, Repetition>;
  /** The repeatable values that would have to be computed again if none were kept. */
  readonly wanted: ReadonlySet<Value>;
}

/** The application of an op that computes a node's results again. */
type Repetition = Pick<Node, "op" | "arguments" | "results" | "attributes">;

/**
 * Drops values of the forward pass and inserts nodes that compute them again before the backward pass reads them.
 *
 * Segments end where the fewest values cross: in a residual network at the ends of blocks. Several sizes of segments are tried;
 * the one that needs the least memory wins. The last segment is kept, since the backward pass begins with it. A node that
 * changes a variable is repeated by its op's {@link OpDefinition.recompute}, or not at all. A node that reads a variable that
 * has changed since is not repeated either.
 *
 * @param graph The differentiated graph that the nodes come from; it is not changed.
 * @param nodes The nodes after fusion, in order.
 * @param outputs The values that must exist after a step.
 * @returns The nodes with repetitions among them, or the same nodes if repetitions save no memory.
 */
export function recompute(graph: Graph, nodes: readonly Node[], outputs: ReadonlySet<Value>): readonly Node[] {
  const forward = forwardOf(graph, nodes, outputs);
  if (forward === undefined || forward.wanted.size === 0) return nodes;
  const all = sumOf(forward.wanted), cuts = cutsOf(forward);
  let best = nodes, least = peakOf(nodes, outputs), before = "";
  for (const fraction of FRACTIONS) {
    const ends = chooseEnds(forward, cuts, fraction * all);
    if (ends === undefined) break;
    if (ends.join() === before) continue;
    before = ends.join();
    const repeated = repeatSegments(forward, ends), peak = peakOf(repeated, outputs);
    if (peak < least) [best, least] = [repeated, peak];
  }
  return best;
}

function peakOf(nodes: readonly Node[], outputs: ReadonlySet<Value>): number {
  const { sizes } = assignBuffers([...lifetimesOf(nodes, outputs).values()]);
  return sizes.reduce((sum, size) => sum + size, 0);
}

function sumOf(values: Iterable<Value>): number {
  let bytes = 0;
  for (const { spec } of values) bytes += byteSize(spec);
  return bytes;
}

function forwardOf(graph: Graph, all: readonly Node[], outputs: ReadonlySet<Value>): Forward | undefined {
  const { forwardValues } = graph;
  if (forwardValues === undefined) return undefined;
  const end = all.findLastIndex(({ results }) => results.length > 0 && results[0].id < forwardValues) + 1;
  const nodes = all.slice(0, end), rest = all.slice(end);
  const producers = new Map<Value, number>(), lastReaders = new Map<Value, number>();
  nodes.forEach((node, index) => {
    for (const value of node.results) producers.set(value, index);
    for (const value of node.arguments) lastReaders.set(value, index);
  });
  const changed = changedVariables(nodes, rest, producers), repeatable = new Map<Value, Repetition>();
  for (const node of nodes) {
    // Sums over ranks are kept: all ranks would have to repeat them.
    if (node.op.sumsOverRanks) continue;
    const repetition = node.op.updates?.length ? node.op.recompute?.(node) : node;
    if (repetition === undefined || repetition.arguments.some((value) => changed.has(value))) continue;
    if (repetition.results.some((value) => outputs.has(value))) continue;
    for (const value of repetition.results) repeatable.set(value, repetition);
  }
  return { nodes, rest, producers, lastReaders, repeatable, wanted: wantedOf(rest, repeatable) };
}

/** The variables that change before the last node that reads a value of the forward pass. */
function changedVariables(
  forward: readonly Node[],
  rest: readonly Node[],
  producers: ReadonlyMap<Value, number>,
): Set<Value> {
  const last = rest.findLastIndex((node) => node.arguments.some((value) => producers.has(value)));
  const nodes = [...forward, ...rest.slice(0, last + 1)];
  return new Set(nodes.flatMap((node) => (node.op.updates ?? []).map((index) => node.arguments[index])));
}

/** The repeatable values that nodes read, and the repeatable values that these are computed from. */
function wantedOf(rest: readonly Node[], repeatable: Forward["repeatable"]): Set<Value> {
  const wanted = new Set<Value>(), pending = rest.flatMap((node) => node.arguments);
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    const repetition = repeatable.get(value);
    if (repetition === undefined || wanted.has(value)) continue;
    wanted.add(value);
    pending.push(...repetition.arguments);
  }
  return wanted;
}

/** A possible end of a segment. */
interface Cut {
  /** The index of the node before which the segment ends. */
  readonly end: number;
  /** The bytes of the values that cross it, which must be kept. */
  readonly kept: number;
  /** The bytes of the wanted values before it. */
  readonly before: number;
}

/** The cuts that the fewest values cross. */
function cutsOf({ nodes, producers, lastReaders, wanted, repeatable }: Forward): Cut[] {
  const cuts: (Cut & { count: number })[] = [];
  const crossing = new Set<Value>();
  let before = 0;
  nodes.forEach((node, index) => {
    for (const value of crossing) if (lastReaders.get(value)! < index) crossing.delete(value);
    if (index > 0) cuts.push({ end: index, kept: sumOf(crossing), before, count: crossing.size });
    for (const value of node.results) {
      if (wanted.has(value)) before += byteSize(value.spec);
      if (repeatable.has(value) && lastReaders.get(value)! > producers.get(value)!) crossing.add(value);
    }
  });
  const fewest = cuts.reduce((least, { count }) => Math.min(least, count), Infinity);
  return cuts.filter(({ count }) => count === fewest);
}

/**
 * The ends of segments of at most `most` bytes that keep the fewest bytes between segments.
 *
 * @returns The indices of the nodes before which segments end, without the last; nothing if no ends make them small enough.
 */
function chooseEnds({ wanted }: Forward, cuts: readonly Cut[], most: number): number[] | undefined {
  const stops: Cut[] = [{ end: 0, kept: 0, before: 0 }, ...cuts, { end: Infinity, kept: 0, before: sumOf(wanted) }];
  // For each stop, the fewest bytes kept up to it, and the stop before it that achieves this.
  const least = [0], previous = [0];
  for (let at = 1; at < stops.length; at++) {
    least.push(Infinity);
    previous.push(-1);
    for (let from = at - 1; from >= 0; from--) {
      if (stops[at].before - stops[from].before - stops[at].kept > most) break;
      const kept = least[from] + stops[at].kept;
      if (kept < least[at]) [least[at], previous[at]] = [kept, from];
    }
  }
  if (least.at(-1) === Infinity) return undefined;
  const ends: number[] = [];
  for (let at = previous.at(-1)!; at > 0; at = previous[at]) ends.unshift(stops[at].end);
  return ends;
}

/** The nodes with repetitions: of every segment but the last, before the first node that reads a dropped value of it. */
function repeatSegments({ nodes, rest, producers, lastReaders, repeatable, wanted }: Forward, ends: readonly number[]) {
  const segmentOf = (node: number) => ends.filter((end) => end <= node).length;
  const dropped = new Map<Value, number>();
  for (const value of wanted) {
    const segment = segmentOf(producers.get(value)!), last = lastReaders.get(value) ?? -1;
    if (segment < ends.length && last < ends[segment]) dropped.set(value, segment);
  }
  const again = new Map<Value, Value>(), repeated: Node[] = [...nodes], done = new Set<number>();
  const replace = (value: Value) => again.get(value) ?? value;
  let id = rest.reduce((most, node) => node.results.reduce((id, value) => Math.max(id, value.id), most), 0);
  const repeat = (segment: number) => {
    done.add(segment);
    for (const node of nodes.slice(ends[segment - 1] ?? 0, ends[segment])) {
      const repetition = node.results.map((value) => dropped.has(value) ? repeatable.get(value) : undefined)
        .find((found) => found !== undefined);
      if (repetition === undefined) continue;
      const results = repetition.results.map((value): Value => ({ ...value, id: ++id }));
      repeated.push(applied(repetition, repetition.arguments.map(replace), results));
      repetition.results.forEach((value, index) => {
        if (dropped.has(value)) again.set(value, results[index]);
      });
    }
  };
  for (const node of rest) {
    const read = node.arguments.filter((value) => dropped.has(value));
    for (const value of read) if (!done.has(dropped.get(value)!)) repeat(dropped.get(value)!);
    repeated.push(read.length === 0 ? node : { ...node, arguments: node.arguments.map(replace) });
  }
  return repeated;
}

function applied({ op, attributes }: Repetition, values: readonly Value[], results: readonly Value[]): Node {
  return {
    op,
    arguments: values,
    results,
    inputs: values.map(({ spec }) => spec),
    outputs: results.map(({ spec }) => spec),
    attributes: { ...getOp(op.name).attributes, ...attributes },
  };
}
