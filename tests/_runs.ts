/** Runs without a disk: a set of random images, and a store in memory. */

import { Random } from "../core/mod.ts";
import { type ImageSet, MemoryDataset } from "../data/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import type { RunStore } from "../train/mod.ts";

/** Random pixels, labels in turn. */
export function randomSet(count: number, size = 9): ImageSet<MemoryDataset> {
  const random = new Random(3, "set");
  const split = (images: number) =>
    new MemoryDataset(
      [3, size, size],
      Uint8Array.from({ length: images * 3 * size * size }, () => random.integer(256)),
      Uint8Array.from({ length: images }, (_, i) => i % 3),
    );
  return {
    name: "noise",
    classes: ["a", "b", "c"],
    shape: [3, size, size],
    train: split(count),
    validation: split(10),
    mirrorable: true,
  };
}

/** The options of a short run on a set of three classes. */
export function shortRun(set: ImageSet) {
  return {
    model: cifarResNet({ depth: 8, classes: 3, inputShape: set.shape }),
    description: { name: "resnet8", classes: 3, inputShape: set.shape },
    set,
    batch: 6,
    epochs: 3,
    rate: 0.02,
    augmentation: { padding: 1, flip: true },
  };
}

/** Noise in which class k is bright in colour k. */
export function colourSet(trainCount: number, validationCount: number, size = 9): ImageSet<MemoryDataset> {
  const random = new Random(9, "colours"), image = 3 * size * size;
  const split = (count: number) =>
    new MemoryDataset(
      [3, size, size],
      Uint8Array.from({ length: count * image }, (_, i) => {
        const channel = Math.floor(i % image / (size * size)), label = Math.floor(i / image) % 3;
        return random.integer(channel === label ? 256 : 128);
      }),
      Uint8Array.from({ length: count }, (_, i) => i % 3),
    );
  return { ...randomSet(0, size), name: "colours", train: split(trainCount), validation: split(validationCount) };
}

/** Keeps files in memory. */
export class MemoryStore implements RunStore {
  readonly location = "memory";
  readonly files = new Map<string, Uint8Array>();

  write(name: string, bytes: Uint8Array): Promise<void> {
    this.files.set(name, bytes.slice());
    return Promise.resolve();
  }

  async append(name: string, text: string): Promise<void> {
    await this.write(name, new TextEncoder().encode(this.text(name) + text));
  }

  read(name: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.files.get(name));
  }

  copy(from: string, to: string): Promise<void> {
    const bytes = this.files.get(from);
    if (bytes !== undefined) this.files.set(to, bytes);
    return Promise.resolve();
  }

  remove(name: string): Promise<void> {
    this.files.delete(name);
    return Promise.resolve();
  }

  /** A file as text; empty if there is none. */
  text(name: string): string {
    return new TextDecoder().decode(this.files.get(name));
  }

  /** `metrics.jsonl` without what depends on the clock. */
  get metrics(): unknown[] {
    return this.text("metrics.jsonl").split("\n").slice(0, -1).map((line) => {
      const { imagesPerSecond: _, seconds: __, ...rest } = JSON.parse(line);
      return rest;
    });
  }
}
