/** What the reader of pickles leaves to whoever knows a kind of file. */

import type { PickleObject, PickleValue } from "./values.ts";

/** Throws, given what is wrong with a pickle. */
export type PickleFail = (what: string) => never;

/** The objects of Python that a kind of file is made of, and what becomes of them. */
export interface PickleDialect<O extends PickleObject> {
  /** What writes such files, for messages. */
  readonly writer: string;
  /** The most bytes that such a pickle may have. */
  readonly mostBytes: number;
  /** What Python would make by calling a function or class; nothing for a placeholder. */
  call(name: string, values: readonly PickleValue<O>[], fail: PickleFail): PickleValue<O> | undefined;
  /** Heeds the state that an object is given after it was made. Defaults to passing it over. */
  build?(object: O, state: PickleValue<O>, fail: PickleFail): void;
  /** The object that an id outside of the pickle stands for. Defaults to an error. */
  persistent?(id: PickleValue<O>, fail: PickleFail): O;
  /** What becomes of bytes. Defaults to a placeholder. */
  bytes?(bytes: Uint8Array): PickleValue<O>;
  /** What becomes of the text of Python 2, which may be any bytes. Defaults to text in UTF-8. */
  text?(bytes: Uint8Array): PickleValue<O>;
}
