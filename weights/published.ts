/** Weights that torchvision publishes: their names, where they are, and what is known of them. */

import { argument, DataError, nearestName, sentence, UsageError } from "../core/mod.ts";
import { defaultPreprocessing, IMAGENET_CLASSES, IMAGENET_NORMALISATION } from "../data/mod.ts";
import { type Checkpoint, decodeCheckpoint, describedModel } from "./checkpoint.ts";

/** The address below which torchvision's files are. */
export const PUBLISHED_ADDRESS = "https://download.pytorch.org/models";

/** Weights that are published. */
export interface PublishedWeights {
  /** Their full name, such as `torchvision:resnet50.IMAGENET1K_V2`. */
  readonly name: string;
  /** The network. */
  readonly model: string;
  /** The file, such as `resnet50-11ad3fa6.pth`; it is below {@link PUBLISHED_ADDRESS}. */
  readonly file: string;
  /** The first eight hexadecimal digits of the file's SHA-256. */
  readonly hash: string;
  /** The shorter side to which an image is resized before the middle is cropped. Defaults to what is usual. */
  readonly resize?: number;
}

/** A row of the table; the last of a network is its default, as in torchvision. */
type Row = readonly [model: string, weights: string, hash: string, resize: number];

const V1 = "IMAGENET1K_V1", V2 = "IMAGENET1K_V2";

const ROWS: readonly Row[] = [
  ["resnet18", V1, "f37072fd", 256],
  ["resnet34", V1, "b627a593", 256],
  ["resnet50", V1, "0676ba61", 256],
  ["resnet50", V2, "11ad3fa6", 232],
  ["resnet101", V1, "63fe2227", 256],
  ["resnet101", V2, "cd907fc2", 232],
  ["resnet152", V1, "394f9c45", 256],
  ["resnet152", V2, "f82ba261", 232],
  ["mobilenet_v2", V1, "b0353104", 256],
  ["mobilenet_v2", V2, "7ebf99e0", 232],
];

/** The networks of which weights are published. */
export const PUBLISHED_MODELS: readonly string[] = [...new Set(ROWS.map(([model]) => model))];

const DEFAULT = "DEFAULT";

/**
 * The published weights of a name: `imagenet` for a network's default, `torchvision:NETWORK`, `torchvision:WEIGHTS`,
 * `torchvision:NETWORK.WEIGHTS`, where the weights are those of torchvision's tables (`IMAGENET1K_V1`, `IMAGENET1K_V2`,
 * `DEFAULT`), or `torchvision:NETWORK-HASH` for any other file of that address.
 *
 * @param name The name.
 * @param model The network, where the name does not say it.
 * @returns Nothing if the name is none of these, but perhaps a file's.
 * @throws {UsageError} If there are no such weights, or the network is another one.
 *
 * @example
 * ```ts
 * import { PUBLISHED_ADDRESS, publishedWeights } from "@residua/residua/weights";
 * const { file } = publishedWeights("torchvision:resnet50")!;
 * console.log(`${PUBLISHED_ADDRESS}/${file}`); // https://download.pytorch.org/models/resnet50-11ad3fa6.pth
 * console.log(publishedWeights("imagenet", "resnet18")!.name); // torchvision:resnet18.IMAGENET1K_V1
 * ```
 */
export function publishedWeights(name: string, model?: string): PublishedWeights | undefined {
  const [, wanted] = name === "imagenet" ? ["", DEFAULT] : name.match(/^torchvision:(.*)$/s) ?? [];
  if (wanted === undefined) return undefined;
  const { network = model, weights = DEFAULT, hash } =
    wanted.match(/^(?<network>[a-z]\w*)-(?<hash>[0-9a-f]{8})(\.pth)?$/)?.groups ??
      wanted.match(/^(?:(?<network>[a-z]\w*)(?:\.|$))?(?<weights>[A-Z]\w*)?$/)?.groups ?? noWeights(name);
  if (network === undefined) {
    throw new UsageError(
      sentence`${name} does not say of which network; name it with ${
        argument("model")
      }, or write torchvision:NETWORK, such as torchvision:resnet50`,
    );
  }
  if (model !== undefined && network !== model) {
    throw new UsageError(`${name} has the weights of ${network}, which do not fit ${model}`);
  }
  if (hash !== undefined) {
    return {
      name: `torchvision:${network}-${hash}`,
      model: network,
      file: `${network}-${hash}.pth`,
      hash,
    };
  }
  const rows = ROWS.filter((row) => row[0] === network);
  if (rows.length === 0) {
    const near = model === undefined ? nearestName(network, PUBLISHED_MODELS) : undefined;
    const hint = near === undefined ? "" : `; did you mean ${near}?`;
    throw new UsageError(
      `${name}: no weights of ${network} are published, but those of ${PUBLISHED_MODELS.join(", ")}${hint}`,
    );
  }
  const row = weights === DEFAULT ? rows.at(-1) : rows.find((row) => row[1] === weights);
  if (row === undefined) {
    const there = rows.map((row) => `torchvision:${row[0]}.${row[1]}`).join(" and ");
    throw new UsageError(
      `${name}: ${network} has no weights ${weights}; there ${rows.length === 1 ? "is" : "are"} ${there}`,
    );
  }
  return {
    name: `torchvision:${network}.${row[1]}`,
    model: network,
    file: `${network}-${row[2]}.pth`,
    hash: row[2],
    resize: row[3],
  };
}

function noWeights(name: string): never {
  throw new UsageError(
    `${name}: expected torchvision:NETWORK.WEIGHTS, such as torchvision:resnet50.IMAGENET1K_V2, or torchvision:NETWORK`,
  );
}

/**
 * Reads a published file, whose bytes must have the hash of its name: its weights, with ImageNet's normalisation and class
 * names, and the resizing by which they were evaluated.
 *
 * @param weights Which weights they are.
 * @param bytes The whole file.
 * @param source The file's path or address, for messages.
 * @throws {DataError} If the file has another hash, or is damaged.
 *
 * @example
 * ```ts
 * import { decodePublished, publishedWeights } from "@residua/residua/weights";
 * const weights = publishedWeights("torchvision:resnet18")!;
 * const error = await decodePublished(weights, Uint8Array.of(1, 2, 3), "cut.pth").catch((error) => error);
 * console.log(error.message.includes("f37072fd")); // true
 * ```
 */
export async function decodePublished(
  weights: PublishedWeights,
  bytes: Uint8Array<ArrayBuffer>,
  source: string,
): Promise<Checkpoint> {
  const { model: name, hash, resize } = weights;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes), 0, hash.length / 2);
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== hash) {
    throw new DataError(
      `${source}: the SHA-256 of ${weights.file} begins with ${hash}, but that of these ${bytes.length} bytes with ` +
        `${found}, so they are incomplete or of another file`,
    );
  }
  const { tensors } = decodeCheckpoint(bytes, source), { layers, inputShape } = describedModel({ name });
  const count = tensors.get(`${layers.at(-1)!.name}.bias`)?.shape[0] ?? IMAGENET_CLASSES.length;
  const usual = defaultPreprocessing(inputShape);
  const info = {
    model: { name, classes: count },
    classes: count === IMAGENET_CLASSES.length ? IMAGENET_CLASSES : Array.from({ length: count }, (_, k) => String(k)),
    normalisation: IMAGENET_NORMALISATION,
    preprocessing: { ...usual, resize: resize ?? usual.resize },
  };
  return { tensors, info };
}
