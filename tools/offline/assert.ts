/** The part of `@std/assert` that the tests use, over Deno's built-in `node:assert`, for machines that cannot reach JSR. */

import strict from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { describeLargeDifference } from "./large_difference.ts";

export function assert(condition: unknown, message?: string): asserts condition {
  strict.ok(condition, message);
}

export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  const difference = describeLargeDifference(actual, expected, isDeepStrictEqual);
  if (difference === undefined) strict.deepStrictEqual(actual, expected, message);
  throw new strict.AssertionError({ message: [message, difference].filter((part) => part !== undefined).join(": ") });
}

export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  strict.notDeepStrictEqual(actual, expected, message);
}

export function assertAlmostEquals(actual: number, expected: number, tolerance = 1e-7, message?: string): void {
  const difference = Math.abs(actual - expected);
  strict.ok(difference <= tolerance, message ?? `Expected ${actual} to be within ${tolerance} of ${expected}`);
}

export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  strict.ok(actual.includes(expected), message ?? `Expected "${actual}" to contain "${expected}"`);
}

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

function checkError<E extends Error>(error: unknown, type?: ErrorClass<E>, includes = ""): E {
  strict.ok(error instanceof (type ?? Error), `Expected ${type?.name ?? "an error"} but ${error} was thrown`);
  strict.ok(
    (error as Error).message.includes(includes),
    `Expected "${(error as Error).message}" to contain "${includes}"`,
  );
  return error as E;
}

export function assertThrows<E extends Error = Error>(run: () => unknown, type?: ErrorClass<E>, includes?: string): E {
  try {
    run();
  } catch (error) {
    return checkError(error, type, includes);
  }
  throw new strict.AssertionError({ message: "Expected the function to throw" });
}

export async function assertRejects<E extends Error = Error>(
  run: () => PromiseLike<unknown>,
  type?: ErrorClass<E>,
  includes?: string,
): Promise<E> {
  try {
    await run();
  } catch (error) {
    return checkError(error, type, includes);
  }
  throw new strict.AssertionError({ message: "Expected the promise to be rejected" });
}

export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  strict.match(actual, expected, message);
}
