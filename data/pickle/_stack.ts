/** What a pickle has built so far: a stack of values with marks, and values that it remembers by number. */

import type { PickleFail } from "./dialect.ts";
import type { PickleObject, PickleValue } from "./values.ts";

const MOST_OBJECTS = 200_000;
/** A checkpoint may have a history of its losses. */
const MOST_VALUES = 4_000_000;

/** The values of a pickle. There are at most so many, whatever the pickle says. */
export class PickleStack<O extends PickleObject> {
  readonly #values: PickleValue<O>[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue<O>>();
  readonly #fail: PickleFail;
  readonly #at: () => number;
  #containers = 0;
  #count = 0;

  /**
   * @param fail Throws, given what is wrong.
   * @param at The offset of the next byte, for messages.
   */
  constructor(fail: PickleFail, at: () => number) {
    this.#fail = fail;
    this.#at = at;
  }

  /** Adds a value. */
  push(value: PickleValue<O>): void {
    this.#add();
    this.#values.push(value);
  }

  /** Adds a list, a dictionary or an object. */
  pushContainer(value: PickleValue<O>): void {
    if (++this.#containers > MOST_OBJECTS) {
      this.#fail(`holds more than ${MOST_OBJECTS} lists, dictionaries and objects`);
    }
    this.push(value);
  }

  /** Counts a value, which may be one that is there already: an opcode of one byte pushes it again. */
  #add(): void {
    if (++this.#count > MOST_VALUES) this.#fail(`holds more than ${MOST_VALUES} values`);
  }

  /** Sets a mark above all values. */
  mark(): void {
    this.#add();
    this.#marks.push(this.#values.length);
  }

  /** The topmost value; those below the last mark are out of reach. */
  pop(): PickleValue<O> {
    if (this.#values.length <= (this.#marks.at(-1) ?? 0)) {
      this.#fail(`takes a value that is not there before byte ${this.#at()}`);
    }
    return this.#values.pop()!;
  }

  /** Some topmost values, in the order in which they were added. */
  popMany(count: number): PickleValue<O>[] {
    const values = Array.from({ length: count }, () => this.pop());
    return values.reverse();
  }

  /** All values above the last mark, which goes with them. */
  popToMark(): PickleValue<O>[] {
    const mark = this.#marks.pop();
    if (mark === undefined) return this.#fail(`takes values to a mark that is not there before byte ${this.#at()}`);
    return this.#values.splice(mark);
  }

  /** Takes away the topmost value, or the mark above it. */
  drop(): void {
    if (this.#marks.at(-1) === this.#values.length) this.#marks.pop();
    else this.pop();
  }

  /** The value that an opcode changes, which stays. */
  top(): PickleValue<O> {
    const value = this.pop();
    this.push(value);
    return value;
  }

  /** The one value that is left at the end. */
  end(): PickleValue<O> {
    const value = this.pop();
    if (this.#values.length > 0 || this.#marks.length > 0) this.#fail("ends with values left over");
    return value;
  }

  /** Remembers the topmost value; by the next number unless one is given. */
  remember(index: number = this.#memo.size): void {
    this.#memo.set(index, this.top());
    if (this.#memo.size > MOST_OBJECTS) this.#fail(`remembers more than ${MOST_OBJECTS} values`);
  }

  /** Adds a remembered value. */
  recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) return this.#fail(`recalls a value that it has not remembered at byte ${this.#at()}`);
    this.push(value);
  }
}
