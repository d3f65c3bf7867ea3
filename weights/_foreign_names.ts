/**
 * The names that other libraries give the same networks, brought to torchvision's: those of Hugging Face's transformers
 * (`ResNetForImageClassification`, `MobileNetV2ForImageClassification`) and of timm (`mobilenetv2_*`; its `resnet*` are
 * named as torchvision's).
 */

/** Whose names of a network are not torchvision's. */
export type NetworkNaming = "transformers ResNet" | "transformers MobileNet-V2" | "timm MobileNet-V2";

/** A library's names: how they are recognised, and rules of which the first that matches renames. */
interface Naming {
  /** Matches a name that no other library gives. It tells the prefix before all names. */
  readonly sign: RegExp;
  readonly rules: readonly (readonly [pattern: RegExp, name: (...parts: string[]) => string])[];
}

/** The layers of a stage of MobileNet-V2 by timm's names: where each stands among torchvision's. */
const DEPTHWISE = { conv_dw: "0.0", bn1: "0.1", conv_pw: "1", bn2: "2" } as const;
const INVERTED = { conv_pw: "0.0", bn1: "0.1", conv_dw: "1.0", bn2: "1.1", conv_pwl: "2", bn3: "3" } as const;

/** The same by transformers' names: of the first block, and of the others. */
const STEM = { conv_3x3: ["0.0", "0.1"], reduce_1x1: ["1", "2"] } as const;
const RESIDUAL = { expand_1x1: ["0.0", "0.1"], conv_3x3: ["1.0", "1.1"], reduce_1x1: ["2", "3"] } as const;
/** The blocks that transformers calls layers, and the layer of torchvision's after them. */
const LAYERS = 16, LAST_LAYER = 2 + LAYERS;

const TRANSFORMERS_MOBILENET: Naming = {
  sign: /^(.*?)(?:mobilenet_v2\.)?conv_stem\.first_conv\.convolution\.weight$/,
  rules: [
    [
      /^(?:mobilenet_v2\.)?conv_stem\.first_conv\.(convolution|normalization)\.(.+)$/,
      (kind, rest) => `features.0.${partOf(kind)}.${rest}`,
    ],
    [
      /^(?:mobilenet_v2\.)?conv_stem\.(conv_3x3|reduce_1x1)\.(convolution|normalization)\.(.+)$/,
      (layer, kind, rest) => `features.1.conv.${STEM[layer as keyof typeof STEM][partOf(kind)]}.${rest}`,
    ],
    [
      /^(?:mobilenet_v2\.)?layer\.(\d+)\.(expand_1x1|conv_3x3|reduce_1x1)\.(convolution|normalization)\.(.+)$/,
      (block, layer, kind, rest) =>
        `features.${2 + +block}.conv.${RESIDUAL[layer as keyof typeof RESIDUAL][partOf(kind)]}.${rest}`,
    ],
    [
      /^(?:mobilenet_v2\.)?conv_1x1\.(convolution|normalization)\.(.+)$/,
      (kind, rest) => `features.${LAST_LAYER}.${partOf(kind)}.${rest}`,
    ],
    [/^classifier\.(weight|bias)$/, (rest) => `classifier.1.${rest}`],
  ],
};

/** Where a convolution or its batch norm stands in a row of modules. */
function partOf(kind: string): 0 | 1 {
  return kind === "convolution" ? 0 : 1;
}

const TRANSFORMERS_RESNET: Naming = {
  sign: /^(.*?)(?:resnet\.)?embedder\.embedder\.convolution\.weight$/,
  rules: [
    [/^(?:resnet\.)?embedder\.embedder\.convolution\.(.+)$/, (rest) => `conv1.${rest}`],
    [/^(?:resnet\.)?embedder\.embedder\.normalization\.(.+)$/, (rest) => `bn1.${rest}`],
    [
      /^(?:resnet\.)?encoder\.stages\.(\d+)\.layers\.(\d+)\.shortcut\.(convolution|normalization)\.(.+)$/,
      (stage, block, kind, rest) => `layer${+stage + 1}.${block}.downsample.${partOf(kind)}.${rest}`,
    ],
    [
      /^(?:resnet\.)?encoder\.stages\.(\d+)\.layers\.(\d+)\.layer\.(\d+)\.(convolution|normalization)\.(.+)$/,
      (stage, block, layer, kind, rest) =>
        `layer${+stage + 1}.${block}.${kind === "convolution" ? "conv" : "bn"}${+layer + 1}.${rest}`,
    ],
    [/^classifier\.1\.(.+)$/, (rest) => `fc.${rest}`],
  ],
};

/** timm counts the blocks of each stage, torchvision all of them: that needs the blocks before a stage. */
function timmMobileNet(names: readonly string[]): Naming {
  const blocks = new Set(
    names.map((name) => /(?:^|\.)blocks\.(\d+)\.(\d+)\./.exec(name)).flatMap((found) =>
      found === null ? [] : [`${found[1]}.${found[2]}`]
    ),
  );
  const counts = new Map<number, number>(), firsts = new Map<number, number>();
  for (const block of blocks) counts.set(parseInt(block), (counts.get(parseInt(block)) ?? 0) + 1);
  let sum = 0;
  for (const [stage, count] of [...counts].sort(([a], [b]) => a - b)) {
    firsts.set(stage, sum);
    sum += count;
  }
  const before = (stage: number) => firsts.get(stage) ?? 0;
  return {
    sign: TIMM_SIGN,
    rules: [
      [/^conv_stem\.(.+)$/, (rest) => `features.0.0.${rest}`],
      [/^bn1\.(.+)$/, (rest) => `features.0.1.${rest}`],
      [
        /^blocks\.0\.(\d+)\.(conv_dw|bn1|conv_pw|bn2)\.(.+)$/,
        (block, layer, rest) => `features.${1 + +block}.conv.${DEPTHWISE[layer as keyof typeof DEPTHWISE]}.${rest}`,
      ],
      [
        /^blocks\.(\d+)\.(\d+)\.(conv_pw|bn1|conv_dw|bn2|conv_pwl|bn3)\.(.+)$/,
        (stage, block, layer, rest) =>
          `features.${1 + before(+stage) + +block}.conv.${INVERTED[layer as keyof typeof INVERTED]}.${rest}`,
      ],
      [/^conv_head\.(.+)$/, (rest) => `features.${1 + blocks.size}.0.${rest}`],
      [/^bn2\.(.+)$/, (rest) => `features.${1 + blocks.size}.1.${rest}`],
      [/^classifier\.(weight|bias)$/, (rest) => `classifier.1.${rest}`],
    ],
  };
}

const TIMM_SIGN = /^(.*?)conv_stem\.weight$/;

const NAMINGS: readonly (readonly [NetworkNaming, sign: RegExp, naming: (names: readonly string[]) => Naming])[] = [
  ["transformers ResNet", TRANSFORMERS_RESNET.sign, () => TRANSFORMERS_RESNET],
  ["transformers MobileNet-V2", TRANSFORMERS_MOBILENET.sign, () => TRANSFORMERS_MOBILENET],
  ["timm MobileNet-V2", TIMM_SIGN, timmMobileNet],
];

/** The tensors under torchvision's names, where they have those of a library that is known, and whose those were. */
export function rename<T>(
  tensors: ReadonlyMap<string, T>,
): { readonly tensors: Map<string, T>; readonly naming?: NetworkNaming } {
  const names = [...tensors.keys()];
  for (const [naming, sign, namingOf] of NAMINGS) {
    const prefix = names.map((name) => sign.exec(name)?.[1]).find((found) => found !== undefined);
    if (prefix === undefined) continue;
    const { rules } = namingOf(names), named = (name: string) => renameOne(name, prefix, rules);
    const renamed = new Map([...tensors].map(([name, tensor]) => [named(name), tensor]));
    // Names that fall together are not what they were taken for.
    if (renamed.size === tensors.size) return { tensors: renamed, naming };
  }
  return { tensors: new Map(tensors) };
}

function renameOne(name: string, prefix: string, rules: Naming["rules"]): string {
  if (!name.startsWith(prefix)) return name;
  const own = name.slice(prefix.length);
  for (const [pattern, make] of rules) {
    const found = pattern.exec(own);
    if (found !== null) return prefix + make(...found.slice(1));
  }
  return name;
}
