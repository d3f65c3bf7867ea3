/** Checks that all peers do the same work: each way of doing it against this library's plain loops in float64. */

import { elementCount, f32, Graph, interpret, type NumericArray, u32 } from "../../core/mod.ts";
import { cifarResNet } from "../../models/mod.ts";
import { softmaxCrossEntropy } from "../../ops/mod.ts";
import { LEARNING_RATE as RATE_INPUT, sgd } from "../../train/mod.ts";
import { recordOp } from "./graphs.ts";
import { recordNetwork } from "./networks.ts";
import type { PeerProcess } from "./peer_process.ts";
import { RESNET20_TENSORS } from "./resnet20.ts";
import { readFloats, type Tensor, writeTensors } from "./tensor_file.ts";
import { randomTensors } from "./tensors.ts";
import { CHECK_ROWS, LEARNING_RATE, type NetworkWork, type Row, type Work } from "./work.ts";

/** The largest error, as a share of the largest element: float32 with sums in another order, and Winograd's transforms. */
const TOLERANCE = 1e-3;
/** Seconds that a peer has for a small case. */
const LIMIT = 120;

/** The outcome of a case. */
export interface CheckResult {
  readonly row: string;
  readonly peer: string;
  /** The way of doing it. */
  readonly variant: string;
  /** The largest error as a share of the largest element, or the reason why there is none. */
  readonly error: number | string;
  readonly passed: boolean;
}

function networkReference(work: NetworkWork, tensors: ReadonlyMap<string, Tensor>): ArrayLike<number> {
  const training = work.pass === "training", graph = new Graph({ training });
  const model = cifarResNet({ depth: 20, inputShape: [3, work.size, work.size] });
  const logits = model.forward(graph, graph.input("image", f32([work.batch, 3, work.size, work.size])));
  if (training) {
    const label = graph.input("label", u32([work.batch]));
    sgd(graph, softmaxCrossEntropy.apply(graph, [logits, label], {})[0]);
  }
  const given = new Map(
    graph.values.filter(({ kind }) => kind !== "computed" && kind !== "constant").map((value) => {
      const data = tensors.get(value.name)?.data ?? new Float32Array(value.name === RATE_INPUT ? [LEARNING_RATE] : [0]);
      if (value.spec.dtype === "u32") return [value, Uint32Array.from(data) as NumericArray];
      const zeros = new Float64Array(elementCount(value.spec.shape));
      if (data.length === zeros.length) zeros.set(data);
      return [value, zeros as NumericArray];
    }),
  );
  const values = interpret(graph, given);
  if (!training) return values.get(logits)!;
  const byName = new Map(graph.values.map((value) => [value.name, value]));
  return Float64Array.from([...RESNET20_TENSORS.keys()].flatMap((name) => [...values.get(byName.get(name)!)!]));
}

/** The result in float64. */
function reference(work: Work, tensors: ReadonlyMap<string, Tensor>): ArrayLike<number> {
  if (work.kind === "resnet20") return networkReference(work, tensors);
  if (work.kind === "training") throw new Error("Training of other networks than ResNet-20 is not checked here");
  const { graph, output } = work.kind === "inference" ? recordNetwork(work) : recordOp(work, tensors);
  const given = graph.values.filter(({ name }) => tensors.has(name)).map((value) =>
    [value, Float64Array.from(tensors.get(value.name)!.data)] as const
  );
  return interpret(graph, new Map(given)).get(output)!;
}

/** A training step is judged by the tensors that it changes. */
function changes(work: Work, tensors: ReadonlyMap<string, Tensor>, result: ArrayLike<number>): Float64Array {
  if (work.kind !== "resnet20" || work.pass !== "training") return Float64Array.from(result);
  const before = [...RESNET20_TENSORS.keys()].flatMap((name) => [...tensors.get(name)!.data]);
  return Float64Array.from(result, (value, index) => value - before[index]);
}

/** The tensors of a result, split by their numbers of elements; each is judged by itself. */
function parts(work: Work, total: number): readonly number[] {
  const network = work.kind === "resnet20" && work.pass === "training";
  return network ? [...RESNET20_TENSORS.values()].map(elementCount) : [total];
}

function relativeError(work: Work, actual: Float64Array, expected: Float64Array): number | string {
  if (actual.length !== expected.length) return `${actual.length} elements instead of ${expected.length}`;
  let worst = 0, first = 0;
  for (const count of parts(work, expected.length)) {
    let error = 0, largest = 0;
    for (let i = first; i < first + count; i++) {
      if (!Number.isFinite(actual[i])) return `element ${i} is ${actual[i]}`;
      error = Math.max(error, Math.abs(actual[i] - expected[i]));
      largest = Math.max(largest, Math.abs(expected[i]));
    }
    worst = Math.max(worst, error / largest);
    first += count;
  }
  return worst;
}

/** Checks peers on the small cases of the wanted names. */
export async function* checkPeers(
  peers: readonly PeerProcess[],
  wanted: (row: Row) => boolean,
): AsyncGenerator<CheckResult> {
  for (const row of CHECK_ROWS.filter(wanted)) {
    const folder = await Deno.makeTempDir({ prefix: "residua-bench-" });
    try {
      const data = randomTensors(row.work), tensors = await writeTensors(folder, data);
      const expected = changes(row.work, data, reference(row.work, data));
      for (const peer of peers) {
        const output = `${folder}/${peer.kind.name}`;
        const answer = await peer.prepare({ work: row.work, tensors, output }, LIMIT);
        const common = { row: row.name, peer: peer.kind.name };
        if ("unsupported" in answer) {
          yield { ...common, variant: "", error: answer.unsupported, passed: true };
          continue;
        }
        for (const failure of answer.failures) yield { ...common, variant: "", error: failure, passed: false };
        for (const [index, variant] of answer.variants.entries()) {
          const actual = changes(row.work, data, await readFloats(`${output}.${index}`));
          const error = relativeError(row.work, actual, expected);
          yield { ...common, variant, error, passed: typeof error === "number" && error <= TOLERANCE };
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
}
