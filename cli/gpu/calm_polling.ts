/**
 * Fewer questions of Dawn's addon for whether the device is done. While anything is waited for it asks by callbacks of
 * `setImmediate`, 60,000 of them a second, each a native function with a finalizer. Deno looks through a list of all of
 * those for each that it frees: three seconds of collecting garbage for a second of waiting.
 */

/** The next question comes after this share of the wait so far, which bounds how late an answer may be known. */
const SHARE = 1 / 8;
/** Milliseconds between questions at most. */
const LONGEST = 1;

/** What waits are timed by. */
export interface Clock {
  readonly setImmediate: (callback: () => void) => unknown;
  readonly setTimeout: (callback: () => void, milliseconds: number) => unknown;
  /** Milliseconds since any moment. */
  readonly now: () => number;
}

/** Whether a callback is of an addon: a native function without a name, which no bound function is. */
function isNative(callback: unknown): callback is () => void {
  return typeof callback === "function" && callback.name === "" && callback.length === 0 &&
    /\[native code\]/.test(Function.prototype.toString.call(callback));
}

/**
 * A `setImmediate` that calls an addon's callbacks later the longer they have been going on, and others as before. A callback
 * that is not asked for from within another begins a wait.
 */
export function calmImmediate({ setImmediate, setTimeout, now }: Clock): (callback: () => void) => unknown {
  let isWithin = false, began = 0;
  return (callback, ...rest: unknown[]) => {
    if (!isNative(callback)) return (setImmediate as (...args: unknown[]) => unknown)(callback, ...rest);
    const asked = now();
    if (!isWithin) began = asked;
    const due = asked + Math.min(LONGEST, SHARE * (asked - began));
    const turn = () => {
      if (now() < due) {
        setImmediate(turn);
        return;
      }
      isWithin = true;
      try {
        callback();
      } finally {
        isWithin = false;
      }
    };
    return due - asked < LONGEST ? setImmediate(turn) : setTimeout(turn, LONGEST);
  };
}
