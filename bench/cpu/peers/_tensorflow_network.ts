/** ResNet-20 in TensorFlow.js: a training step and an evaluation. */

import {
  CONV_NORM_LAYERS,
  type ConvNormLayer,
  isStatistic,
  RESNET20,
  RESNET20_TENSORS,
  resNet20Forward,
} from "../resnet20.ts";
import type { Tensor } from "../tensor_file.ts";
import { LEARNING_RATE, type NetworkWork } from "../work.ts";
import type { Prepared } from "./_serve.ts";
import type { Tf, TfTensor, TfVariable } from "./_tensorflow.ts";
import { inputGradient, weightGradient, weightGradientByProducts, type Window } from "./_tensorflow_gradients.ts";

const EPSILON = 1e-5, STATISTICS_MOMENTUM = 0.1, MOMENTUM = 0.9, WEIGHT_DECAY = 1e-4;

/** How the weight gradients of a training step are computed. */
export type WeightGradients = "convolutions" | "matrix products";

/** A variable of the network and its momentum of SGD. */
interface Parameter {
  readonly value: TfVariable;
  readonly velocity: TfVariable;
}

/** From OIHW, or [O, I] of the linear layer, to TensorFlow's order. */
function toTensorFlow(tf: Tf, { shape, data }: Tensor): TfTensor {
  return tf.tidy(() => {
    const tensor = tf.tensor(data, shape);
    return shape.length === 4 ? tf.transpose(tensor, [2, 3, 1, 0]) : shape.length === 2 ? tf.transpose(tensor) : tensor;
  });
}

function fromTensorFlow(tf: Tf, tensor: TfTensor): Float32Array {
  return tf.tidy(() => {
    const rank = tensor.shape.length;
    return (rank === 4 ? tf.transpose(tensor, [3, 2, 0, 1]) : rank === 2 ? tf.transpose(tensor) : tensor).dataSync();
  });
}

/** A convolution whose gradients the backend has. */
function convolution(tf: Tf, { kernel, stride }: ConvNormLayer, size: number, gradients: WeightGradients) {
  const window: Window = { kernel, stride, padding: (kernel - 1) / 2, size };
  const ofWeight = gradients === "convolutions" ? weightGradient : weightGradientByProducts;
  return tf.customGrad((x, w, save) => {
    save([x, w]);
    return {
      value: tf.conv2d(x, w, stride, window.padding, "NHWC", 1, "floor"),
      gradFunc: (dy, [x, w]) => [
        // The first convolution's is not needed, but customGrad wants it.
        x.shape[3] === 3 ? tf.zeros(x.shape) : inputGradient(tf, dy, w, window),
        ofWeight(tf, x, dy, window),
      ],
    };
  });
}

/** Prepares a step or an evaluation of the network; `finish` waits for the device, `queued` says how runs are queued on it. */
export function prepareNetwork(
  tf: Tf,
  work: NetworkWork,
  tensors: ReadonlyMap<string, Tensor>,
  gradients: WeightGradients,
  finish: (tensor: TfTensor) => Promise<void>,
  queued: (queue: () => void, result: () => TfTensor) => Prepared["queued"],
): Prepared {
  const training = work.pass === "training";
  const parameters = new Map([...RESNET20_TENSORS.keys()].map((name): [string, Parameter] => {
    const value = tf.variable(toTensorFlow(tf, tensors.get(name)!));
    return [name, { value, velocity: tf.variable(tf.zeros(value.shape)) }];
  }));
  const of = (name: string) => parameters.get(name)!.value;
  const image = tf.tidy(() =>
    tf.transpose(tf.tensor(tensors.get("image")!.data, tensors.get("image")!.shape), [0, 2, 3, 1])
  );
  const label = !training ? undefined : tf.tidy(() => {
    const { data, shape } = tensors.get("label")!;
    return tf.cast(tf.oneHot(tf.cast(tf.tensor(data, shape), "int32"), RESNET20.classes), "float32");
  });
  const convolutions = new Map(
    CONV_NORM_LAYERS.map((layer) => [
      layer.conv,
      convolution(tf, layer, work.size * layer.scale * layer.stride, gradients),
    ]),
  );
  const statistics = new Map<string, TfTensor>();
  const trained = [...RESNET20_TENSORS.keys()].filter((name) => !isStatistic(name));

  function forward(): TfTensor {
    return resNet20Forward(image, {
      convNorm(input, { conv, norm }, relu) {
        const features = convolutions.get(conv)!(input, of(`${conv}.weight`));
        let mean: TfTensor = of(`${norm}.running_mean`), variance: TfTensor = of(`${norm}.running_var`);
        if (training) {
          ({ mean, variance } = tf.moments(features, [0, 1, 2]));
          const [batch, height, width] = features.shape, positions = batch * height * width;
          statistics.set(`${norm}.running_mean`, tf.keep(mean));
          statistics.set(`${norm}.running_var`, tf.keep(tf.mul(variance, positions / (positions - 1))));
        }
        const normalized = tf.batchNorm(features, mean, variance, of(`${norm}.bias`), of(`${norm}.weight`), EPSILON);
        return relu ? tf.relu(normalized) : normalized;
      },
      addRelu: (left, right) => tf.relu(tf.add(left, right)),
      head: (input) => tf.add(tf.matMul(tf.mean(input, [1, 2]), of("fc.weight")), of("fc.bias")),
    });
  }

  function step(): TfTensor {
    return tf.tidy(() => {
      const { value, grads } = tf.variableGrads(
        () => tf.losses.softmaxCrossEntropy(label!, forward()),
        trained.map((name) => of(name)),
      );
      for (const name of trained) {
        const { value, velocity } = parameters.get(name)!;
        const gradient = grads[(value as TfVariable & { name: string }).name];
        velocity.assign(tf.add(tf.mul(velocity, MOMENTUM), tf.add(gradient, tf.mul(value, WEIGHT_DECAY))));
        value.assign(tf.sub(value, tf.mul(velocity, LEARNING_RATE)));
      }
      for (const [name, fresh] of statistics) {
        of(name).assign(tf.add(tf.mul(of(name), 1 - STATISTICS_MOMENTUM), tf.mul(fresh, STATISTICS_MOMENTUM)));
        fresh.dispose();
      }
      statistics.clear();
      return value;
    });
  }

  let result: TfTensor | undefined;
  const queue = () => {
    result?.dispose();
    result = training ? step() : tf.tidy(forward);
  };
  return {
    async run() {
      queue();
      await finish(result!);
    },
    queued: queued(queue, () => result!),
    output: () =>
      training
        ? Float32Array.from([...RESNET20_TENSORS.keys()].flatMap((name) => [...fromTensorFlow(tf, of(name))]))
        : result!.dataSync(),
    release() {
      for (const tensor of [image, label, result]) tensor?.dispose();
      for (const { value, velocity } of parameters.values()) {
        value.dispose();
        velocity.dispose();
      }
    },
  };
}
