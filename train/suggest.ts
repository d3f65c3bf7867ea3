/** How to train on a set of images where nobody says: from how many there are, and how large. */

import type { FitOptions } from "./fit_options.ts";

/** A batch is the power of two next below this share of the set, between the least and the most. */
const BATCH_SHARE = 1 / 64, LEAST_BATCH = 16, MOST_BATCH = 128;
/** Yet an epoch of few images has this many steps. */
const LEAST_STEPS = 4;
/** A run sees at least so many images: a small network is done with them in under three minutes on two cores. */
const IMAGES_SEEN = 14_000;
/** Larger sets are seen more often than that makes: in so many epochs, divided by the fourth root of their size. */
const EPOCHS_BY_ROOT = 180;
const LEAST_EPOCHS = 24, MOST_EPOCHS = 120;
/** He et al. 2015 train at a rate of 0.1. Smaller batches are noisier: the rate falls with the root of their size. */
const RATE = 0.1, BATCH_OF_RATE = 64;
/** The rate rises in one of so many epochs, which large rates need. */
const WARM_UP = 20;

/**
 * What {@link suggestTraining} suggests, for SGD with Nesterov's momentum of 0.9, a weight decay of 5e-4 on weights alone, and
 * a rate that falls as a cosine.
 */
export interface TrainingSuggestion {
  /** Images a batch. */
  readonly batch: number;
  /** Passes over the set. */
  readonly epochs: number;
  /** The highest learning rate. */
  readonly rate: number;
  /** Epochs, or parts of one, in which the rate rises from 0. */
  readonly warmUp: number;
}

/**
 * Suggests how to train a residual network from random weights on a set: small sets get small batches, so that there are
 * steps, and many epochs.
 *
 * @param count The number of training images.
 * @param known What is decided already, which the rest follows.
 *
 * @example
 * ```ts
 * import { suggestTraining } from "@residua/residua/train";
 * console.log(suggestTraining(160)); // { batch: 16, epochs: 88, rate: 0.05, warmUp: 4.4 }
 * ```
 */
export function suggestTraining(
  count: number,
  known: { readonly batch?: number; readonly epochs?: number } = {},
): TrainingSuggestion {
  const share = 2 ** Math.floor(Math.log2(Math.max(1, count * BATCH_SHARE)));
  const least = Math.max(1, Math.min(LEAST_BATCH, Math.floor(count / LEAST_STEPS)));
  const batch = known.batch ?? Math.min(MOST_BATCH, Math.max(least, share));
  const epochs = known.epochs ?? suggestEpochs(Math.max(1, count));
  const rate = Number((RATE * Math.min(1, Math.sqrt(batch / BATCH_OF_RATE))).toPrecision(2));
  return { batch, epochs, rate, warmUp: epochs / WARM_UP };
}

function suggestEpochs(count: number): number {
  const wanted = Math.max(IMAGES_SEEN / count, EPOCHS_BY_ROOT / count ** (1 / 4));
  return Math.round(Math.min(MOST_EPOCHS, Math.max(LEAST_EPOCHS, wanted)));
}

/** What suits weights that know images already, such as ImageNet's: a tenth of the rate from random ones, and few epochs. */
export const FINE_TUNING = { rate: 0.01, epochs: 15, headEpochs: 1 } as const;

/**
 * The options of {@link fit} that train as {@link suggestTraining} suggests, and as the command line does where it is told
 * nothing.
 *
 * @param count The number of training images.
 * @param suggestion What is suggested, or something near it.
 *
 * @example
 * ```ts
 * import { suggestedOptions, suggestTraining } from "@residua/residua/train";
 * const { warmupSteps, schedule } = suggestedOptions(160, suggestTraining(160));
 * console.log(warmupSteps, schedule); // 44 cosine
 * ```
 */
export function suggestedOptions(count: number, { batch, epochs, rate, warmUp }: TrainingSuggestion): SuggestedOptions {
  const warmupSteps = Math.round(warmUp * Math.max(1, Math.floor(count / batch)));
  return { batch, epochs, rate, warmupSteps, ...SGD, schedule: "cosine" };
}

/** The options of {@link fit} that {@link suggestedOptions} gives. */
export type SuggestedOptions = Pick<
  FitOptions,
  "batch" | "epochs" | "rate" | "warmupSteps" | "momentum" | "nesterov" | "weightDecay" | "decay" | "schedule"
>;

const SGD = { momentum: 0.9, nesterov: true, weightDecay: 5e-4, decay: "weights" } as const;

/** The sides at which photos are seen: by networks made for icons of 32, and by larger ones where there are many photos. */
const ICON = 32, PHOTO = 64, LARGE_PHOTO = 128;
/**
 * Few photos teach a network their colours and their light, unless these change. Cubuk et al. 2020 take a magnitude of 9 for
 * 50,000 images and 200 epochs; a short run does not learn under as much.
 */
const FEW_PHOTOS = { operations: 2, magnitude: 4 } as const;
/** From so many photos on, a large network learns more from them than a small one. */
const MANY_PHOTOS = 20_000;

/** A network's name, and the height and width of its images. */
export interface NetworkSuggestion {
  /** The name of the network. */
  readonly model: string;
  /** The height and width of its images, in pixels. */
  readonly size: number;
  /** The options of `randAugment` for its training images, where that helps beside shifted crops. */
  readonly randAugment?: { readonly operations: number; readonly magnitude: number };
}

/**
 * Suggests a network for image files, the height and width at which it sees them, and how they change at random.
 *
 * @param count The number of training images.
 * @param side The shorter side of a typical image, in pixels.
 * @param size The height and width, where they are decided already.
 *
 * @example
 * ```ts
 * import { suggestNetwork } from "@residua/residua/train";
 * console.log(suggestNetwork(160, 3024).size, suggestNetwork(160, 28).size); // 64 32
 * ```
 */
export function suggestNetwork(count: number, side: number, size?: number): NetworkSuggestion {
  const suited = side <= ICON ? ICON : count < MANY_PHOTOS ? PHOTO : LARGE_PHOTO, seen = size ?? suited;
  // Beyond that size crops of any area and shape are drawn, which change images enough.
  return seen > PHOTO
    ? { model: "resnet18", size: seen }
    : { model: "resnet20", size: seen, ...(seen > ICON ? { randAugment: FEW_PHOTOS } : {}) };
}

/**
 * Suggests the height and width at which a given network sees image files: its own, as it was made for them; networks for
 * small images take those of photos just as well, up to twice their own.
 *
 * @param own The height and width that the network is made for, in pixels.
 * @param count The number of training images.
 * @param side The shorter side of a typical image, in pixels.
 *
 * @example
 * ```ts
 * import { suggestSize } from "@residua/residua/train";
 * console.log(suggestSize(224, 160, 3024), suggestSize(32, 160, 3024)); // 224 64
 * ```
 */
export function suggestSize(own: number, count: number, side: number): number {
  const { size } = suggestNetwork(count, side);
  return own < size ? Math.min(size, 2 * own) : own;
}
