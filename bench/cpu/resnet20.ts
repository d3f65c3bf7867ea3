/**
 * ResNet-20 as a table (He et al. 2015, section 4.2, with shortcuts of option B) and a walk over it, from which peers
 * without such a model build theirs. Names are torchvision's.
 */

/** A convolution without bias and its batch norm. */
export interface ConvNormLayer {
  readonly conv: string;
  readonly norm: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  /** Height and width of its output, as a share of the image's. */
  readonly scale: number;
}

/** A basic residual block. */
export interface ResidualLayers {
  readonly first: ConvNormLayer;
  readonly second: ConvNormLayer;
  /** The projection; without one the shortcut is the identity. */
  readonly shortcut?: ConvNormLayer;
}

function residualLayers(stage: number, index: number, inputs: number, outputs: number): ResidualLayers {
  const name = `layer${stage + 1}.${index}`, stride = inputs === outputs ? 1 : 2, scale = 1 / 2 ** stage;
  const common = { outputs, scale };
  return {
    first: { conv: `${name}.conv1`, norm: `${name}.bn1`, inputs, kernel: 3, stride, ...common },
    second: { conv: `${name}.conv2`, norm: `${name}.bn2`, inputs: outputs, kernel: 3, stride: 1, ...common },
    ...(stride === 1 ? {} : {
      shortcut: { conv: `${name}.downsample.0`, norm: `${name}.downsample.1`, inputs, kernel: 1, stride, ...common },
    }),
  };
}

const WIDTHS = [16, 32, 64];

/** The network. */
export const RESNET20 = {
  /** Height and width of a CIFAR image. */
  size: 32,
  classes: 10,
  features: 64,
  stem: { conv: "conv1", norm: "bn1", inputs: 3, outputs: 16, kernel: 3, stride: 1, scale: 1 } as ConvNormLayer,
  blocks: WIDTHS.flatMap((width, stage) =>
    [0, 1, 2].map((index) => residualLayers(stage, index, index === 0 && stage > 0 ? width / 2 : width, width))
  ),
};

/** All convolutions with their norms. */
export const CONV_NORM_LAYERS: readonly ConvNormLayer[] = [
  RESNET20.stem,
  ...RESNET20.blocks.flatMap(({ first, second, shortcut }) =>
    shortcut === undefined ? [first, second] : [first, second, shortcut]
  ),
];

/** The shapes of the network's tensors by name. */
export const RESNET20_TENSORS: ReadonlyMap<string, readonly number[]> = new Map([
  ...CONV_NORM_LAYERS.flatMap(({ conv, norm, inputs, outputs, kernel }): [string, number[]][] => [
    [`${conv}.weight`, [outputs, inputs, kernel, kernel]],
    ...["weight", "bias", "running_mean", "running_var"].map((part): [string, number[]] => [
      `${norm}.${part}`,
      [outputs],
    ]),
  ]),
  ["fc.weight", [RESNET20.classes, RESNET20.features]],
  ["fc.bias", [RESNET20.classes]],
]);

/** Whether a tensor is a running statistic, which is not trained. */
export function isStatistic(name: string): boolean {
  return name.includes("running_");
}

/** FLOPs of an image's forward pass: of all convolutions and the linear layer, and of the first convolution only. */
export function resNet20ForwardFlops(size: number): { all: number; stem: number } {
  const of = ({ inputs, outputs, kernel, scale }: ConvNormLayer) =>
    2 * outputs * (size * scale) ** 2 * inputs * kernel ** 2;
  const linear = 2 * RESNET20.features * RESNET20.classes;
  return { all: CONV_NORM_LAYERS.reduce((sum, layer) => sum + of(layer), linear), stem: of(RESNET20.stem) };
}

/** A framework's functions for the parts of a network. */
export interface NetworkParts<T> {
  /** Convolution and batch norm, then ReLU if wanted. */
  convNorm(input: T, layer: ConvNormLayer, relu: boolean): T;
  /** ReLU of a sum. */
  addRelu(left: T, right: T): T;
  /** Global average pool and the linear layer. */
  head(input: T): T;
  /** Marks a value that is used once more, for frameworks that count uses. */
  again?(value: T): T;
}

/** Walks from images to logits. */
export function resNet20Forward<T>(
  image: T,
  { convNorm, addRelu, head, again = (value) => value }: NetworkParts<T>,
): T {
  let features = convNorm(image, RESNET20.stem, true);
  for (const { first, second, shortcut } of RESNET20.blocks) {
    const identity = shortcut === undefined ? again(features) : convNorm(again(features), shortcut, false);
    features = addRelu(convNorm(convNorm(features, first, true), second, false), identity);
  }
  return head(features);
}
