/** ResNet-20 in jax-js: a training step and an evaluation, each one compiled function. */

import { isStatistic, RESNET20, RESNET20_TENSORS, resNet20Forward } from "../resnet20.ts";
import type { Tensor } from "../tensor_file.ts";
import { LEARNING_RATE, type NetworkWork } from "../work.ts";
import type { Jax, JaxArray, JaxTree } from "./_jax.ts";
import { queuedJax } from "./_jax_queue.ts";
import type { Prepared } from "./_serve.ts";

const EPSILON = 1e-5, STATISTICS_MOMENTUM = 0.1, MOMENTUM = 0.9, WEIGHT_DECAY = 1e-4;

/** Normalises by [1, C, 1, 1] statistics: (x - mean) / sqrt(variance + ε) · weight + bias. */
function normalize(jax: Jax, x: JaxArray, mean: JaxArray, variance: JaxArray, weight: JaxArray, bias: JaxArray) {
  const column = (vector: JaxArray) => vector.reshape([1, -1, 1, 1]);
  const scale = jax.numpy.reciprocal(jax.numpy.sqrt(variance.add(EPSILON))).mul(column(weight));
  return x.sub(mean).mul(scale).add(column(bias));
}

/** Logits; in training the batch's statistics go to `fresh`. */
function forward(jax: Jax, tensors: JaxTree, image: JaxArray, fresh?: JaxTree): JaxArray {
  const { numpy, nn, lax } = jax, of = (name: string) => tensors[name].ref;
  return resNet20Forward(image, {
    convNorm(input, { conv, norm, kernel, stride }, relu) {
      const padding = (kernel - 1) / 2, paddings = [[padding, padding], [padding, padding]];
      const features = lax.convGeneralDilated(input, of(`${conv}.weight`), [stride, stride], paddings);
      const [batch, channels, height, width] = features.shape, positions = batch * height * width;
      let mean: JaxArray, variance: JaxArray;
      if (fresh === undefined) {
        mean = of(`${norm}.running_mean`).reshape([1, channels, 1, 1]);
        variance = of(`${norm}.running_var`).reshape([1, channels, 1, 1]);
      } else {
        mean = numpy.mean(features.ref, [0, 2, 3], { keepdims: true });
        variance = numpy.mean(numpy.square(features.ref.sub(mean.ref)), [0, 2, 3], { keepdims: true });
        fresh[`${norm}.running_mean`] = mean.ref.reshape([channels]);
        fresh[`${norm}.running_var`] = variance.ref.reshape([channels]).mul(positions / (positions - 1));
      }
      const result = normalize(jax, features, mean, variance, of(`${norm}.weight`), of(`${norm}.bias`));
      return relu ? nn.relu(result) : result;
    },
    addRelu: (left, right) => nn.relu(left.add(right)),
    head: (input) => numpy.matmul(numpy.mean(input, [2, 3]), of("fc.weight").transpose([1, 0])).add(of("fc.bias")),
    again: (value) => value.ref,
  });
}

function mapTree(tree: JaxTree, f: (value: JaxArray, name: string) => JaxArray): JaxTree {
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, f(value, name)]));
}

/** Prepares a step or an evaluation of the network. */
export function prepareNetwork(jax: Jax, work: NetworkWork, tensors: ReadonlyMap<string, Tensor>): Prepared {
  const { numpy } = jax, array = ({ data, shape }: Tensor) => numpy.array(data, { shape });
  const names = [...RESNET20_TENSORS.keys()], refs = (tree: JaxTree) => mapTree(tree, (value) => value.ref);
  const take = (wanted: (name: string) => boolean): JaxTree =>
    Object.fromEntries(names.filter(wanted).map((name) => [name, array(tensors.get(name)!)]));
  const image = array(tensors.get("image")!);
  if (work.pass === "evaluation") {
    const weights = take(() => true), pass = jax.jit((tree: JaxTree, x: JaxArray) => forward(jax, tree, x));
    let logits: JaxArray | undefined;
    const compute = () => pass(refs(weights), image.ref);
    return {
      async run() {
        logits?.dispose();
        logits = compute();
        await jax.blockUntilReady(logits);
      },
      queued: queuedJax(jax, () => {
        const queued = compute();
        return { wait: [queued], release: [queued] };
      }),
      output: () => logits!.ref.data(),
      release() {
        for (const value of [image, ...Object.values(weights), ...(logits === undefined ? [] : [logits])]) {
          value.dispose();
        }
        pass.dispose();
      },
    };
  }
  const classes = Float32Array.from(
    { length: work.batch * RESNET20.classes },
    (_, i) => tensors.get("label")!.data[Math.floor(i / RESNET20.classes)] === i % RESNET20.classes ? 1 : 0,
  );
  const label = numpy.array(classes, { shape: [work.batch, RESNET20.classes] });
  const lossOf = jax.valueAndGrad((parameters: JaxTree, x: JaxArray, y: JaxArray): [JaxArray, JaxTree] => {
    const fresh: JaxTree = {}, logits = forward(jax, parameters, x, fresh);
    return [numpy.sum(jax.nn.logSoftmax(logits, -1).mul(y)).mul(-1 / work.batch), fresh];
  }, { hasAux: true });
  const step = jax.jit((parameters: JaxTree, velocities: JaxTree, statistics: JaxTree, x: JaxArray, y: JaxArray) => {
    const [[loss, fresh], gradients] = lossOf(refs(parameters), x, y);
    const moved = mapTree(
      velocities,
      (velocity, name) => velocity.mul(MOMENTUM).add(gradients[name].add(parameters[name].ref.mul(WEIGHT_DECAY))),
    );
    const stepped = mapTree(parameters, (value, name) => value.sub(moved[name].ref.mul(LEARNING_RATE)));
    const followed = mapTree(
      statistics,
      (value, name) => value.mul(1 - STATISTICS_MOMENTUM).add(fresh[name].mul(STATISTICS_MOMENTUM)),
    );
    return { loss, moved, stepped, followed };
  });
  let parameters = take((name) => !isStatistic(name)), statistics = take(isStatistic);
  let velocities = mapTree(parameters, (value) => numpy.zeros(value.shape));
  const compute = () => {
    const { loss, moved, stepped, followed } = step(parameters, velocities, statistics, image.ref, label.ref);
    [parameters, velocities, statistics] = [stepped, moved, followed];
    return loss;
  };
  const changed = () => [parameters, velocities, statistics].flatMap((tree) => Object.values(tree));
  return {
    async run() {
      const loss = compute();
      await jax.blockUntilReady([loss, ...changed()]);
      loss.dispose();
    },
    queued: queuedJax(jax, () => {
      // The other results come of the same function, so that they are submitted with the loss.
      const loss = compute();
      return { wait: [loss], release: [loss] };
    }),
    async output() {
      const parts: number[][] = [];
      for (const name of names) parts.push([...await (parameters[name] ?? statistics[name]).ref.data()]);
      return Float32Array.from(parts.flat());
    },
    release() {
      for (const tree of [{ image, label }, parameters, velocities, statistics]) {
        for (const value of Object.values(tree)) value.dispose();
      }
      step.dispose();
    },
  };
}
