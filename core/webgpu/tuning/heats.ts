/** Contests among the variants of an op, of which only those that are right may win. */

import { OutOfMemoryError } from "../../util/errors.ts";
import { contest, type Standing } from "./contest.ts";
import type { Trial } from "./measure.ts";

/** Variants that are timed together, and the bytes that they may take together. */
const HEAT = 12, HEAT_BYTES = 1 << 30;

/** Contests among as many variants as fit into memory at once. The best so far and the preferred one run in each. */
export class Heats {
  readonly #trial: Trial;
  readonly #preferred: number;
  readonly #attempt: (variant: number, run: () => Promise<true>) => Promise<true | undefined>;
  readonly #out = new Set<number>();
  #best: number | undefined;

  /** @param attempt Does what may show that a variant cannot be used. */
  constructor(
    trial: Trial,
    preferred: number,
    attempt: (variant: number, run: () => Promise<true>) => Promise<true | undefined>,
  ) {
    this.#trial = trial;
    this.#preferred = preferred;
    this.#attempt = attempt;
  }

  /** How the variants stand, beside those before them; nothing if none is right. */
  async run(variants: readonly number[]): Promise<Standing | undefined> {
    let standing: Standing | undefined;
    const waiting = [...variants], seconds = new Map<number, number>();
    do {
      const heat = [...new Set([this.#preferred, ...this.#best === undefined ? [] : [this.#best]])];
      let bytes = heat.reduce((sum, variant) => sum + this.#trial.bytesOf(variant), 0);
      while (waiting.length > 0 && heat.length < HEAT) {
        bytes += this.#trial.bytesOf(waiting[0]);
        if (bytes > HEAT_BYTES && heat.length > 1) break;
        heat.push(waiting.shift()!);
      }
      standing = await this.#contest(heat) ?? standing;
      for (const [variant, each] of standing?.seconds ?? []) seconds.set(variant, each);
    } while (waiting.length > 0);
    return standing && { ...standing, seconds };
  }

  /** A contest whose winner and leader are right. */
  async #contest(heat: readonly number[]): Promise<Standing | undefined> {
    const isIn = (variant: number) => !this.#out.has(variant);
    const check = (variant: number) => this.#try(variant, () => this.#trial.check(variant));
    if (this.#trial.checksFirst) await Promise.all(heat.filter(isIn).map(check));
    else await check(this.#preferred);
    await this.#trial.enterAll(heat.filter(isIn), (variant) => this.#try(variant, () => this.#trial.enter(variant)));
    for (;;) {
      const entered = heat.filter(isIn);
      if (entered.length === 0) return undefined;
      const preferred = isIn(this.#preferred) ? this.#preferred : undefined;
      const standing = await contest(this.#trial.track, entered, preferred);
      if (!await check(standing.leader)) continue;
      this.#best = standing.leader;
      for (const variant of entered) {
        if (variant !== this.#best && variant !== this.#preferred) this.#trial.leave(variant);
      }
      return standing;
    }
  }

  /** Tries something with a variant, which is out if that fails; tells whether it is still in. */
  async #try(variant: number, run: () => Promise<void>): Promise<boolean> {
    if (this.#out.has(variant)) return false;
    let shortage: OutOfMemoryError | undefined;
    const done = await this.#attempt(variant, async () => {
      try {
        await run();
      } catch (error) {
        if (variant !== this.#preferred || !(error instanceof OutOfMemoryError)) throw error;
        shortage = error;
      }
      return true;
    });
    // Without room for what runs untuned nothing can be compared.
    if (shortage !== undefined) throw shortage;
    if (done) return true;
    this.#out.add(variant);
    this.#trial.leave(variant);
    return false;
  }
}
