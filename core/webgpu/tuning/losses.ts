/** Which families need not be tried for an op, since they have lost for others of its kind. */

import { SLOW } from "./contest.ts";

/**
 * A family whose first configuration takes so many times as long as the best has lost, and twice where it is {@link SLOW}. After
 * two losses in a row it rests. Ops that take the longest are timed first, so it was tried for those.
 */
const FAR = 1.5, LOSSES = 2;

/** Which families have lost for the ops of a kind. */
export class Losses {
  /** How often in a row. */
  readonly #counts = new Map<string, number>();

  /** Whether a family is not tried any more. */
  rests(op: string, family: string): boolean {
    return (this.#counts.get(`${op} ${family}`) ?? 0) >= LOSSES;
  }

  /** Takes in that a family took so many times as long as the best. */
  note(op: string, family: string, times: number): void {
    const key = `${op} ${family}`, lost = Number(times > FAR) + Number(times > SLOW);
    this.#counts.set(key, lost === 0 ? 0 : lost + (this.#counts.get(key) ?? 0));
  }
}
