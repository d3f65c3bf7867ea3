/**
 * How threads run a program together. A program is a list of stages; threads take the tasks of a stage
 * from a shared counter, and a barrier ends the stage. A task's result does not depend on the thread.
 */

import { runTask } from "./dispatch";

/** The control block: offsets in bytes, each contended word in a cache line of its own. */
const EPOCH: usize = 0;
const NEXT: usize = 64;
const ARRIVED: usize = 128;
const GENERATION: usize = 192;
const STAGES: usize = 256;
const COUNT: usize = 260;
const SCRATCH: usize = 264;
const SCRATCH_BYTES: usize = 268;
const THREADS: usize = 272;
const SPINS: usize = 276;
const MAY_WAIT: usize = 280;
/** Slices without any progress after which the other threads are taken to be dead. */
const PATIENCE: usize = 284;
const FAILED: usize = 320;

/** Bytes of a stage: kernel, tasks, address of the arguments. */
const STAGE_BYTES: usize = 12;
/** How often a thread takes tasks in a large stage: often enough that all end together, but not for every small task. */
const SHARES: i32 = 32;
/** Nanoseconds between two checks whether another thread has failed. */
const SLICE: i64 = 100_000_000;
/** The value at FAILED when the other threads made no progress. */
const STALLED: i32 = 2;

/** Waits until a word differs from `value`; false if a thread has failed. */
function waitWhile(control: usize, thread: i32, word: usize, value: i32, forever: bool): bool {
  for (let spin = load<i32>(control + SPINS); spin > 0; spin--) {
    if (atomic.load<i32>(word) != value) return atomic.load<i32>(control + FAILED) == 0;
  }
  // A browser's main thread may not sleep; workers always may.
  const mayWait = thread > 0 || load<i32>(control + MAY_WAIT) != 0, patience = load<i32>(control + PATIENCE);
  let idle = 0, progress = -1;
  while (atomic.load<i32>(word) == value) {
    if (atomic.load<i32>(control + FAILED) != 0) return false;
    if (!mayWait) continue;
    if (forever) {
      atomic.wait<i32>(word, value, -1);
      continue;
    }
    if (atomic.wait<i32>(word, value, SLICE) != 2) continue;
    const now = atomic.load<i32>(control + NEXT) + atomic.load<i32>(control + ARRIVED);
    idle = now == progress ? idle + 1 : 0;
    progress = now;
    if (idle >= patience) {
      atomic.store<i32>(control + FAILED, STALLED);
      return false;
    }
  }
  return atomic.load<i32>(control + FAILED) == 0;
}

/** Waits for all threads; false if one has failed. */
function barrier(control: usize, thread: i32, threads: i32): bool {
  const generation = atomic.load<i32>(control + GENERATION);
  if (atomic.add<i32>(control + ARRIVED, 1) + 1 < threads) {
    return waitWhile(control, thread, control + GENERATION, generation, false);
  }
  atomic.store<i32>(control + NEXT, 0);
  atomic.store<i32>(control + ARRIVED, 0);
  atomic.add<i32>(control + GENERATION, 1);
  atomic.notify(control + GENERATION, -1);
  return atomic.load<i32>(control + FAILED) == 0;
}

/** The first of the next `count` tasks of the stage. */
// @ts-ignore: decorator
@inline
function take(control: usize, count: i32): i32 {
  return atomic.add<i32>(control + NEXT, count);
}

/** Runs this thread's share of the stages; false if a thread has failed. */
export function work(control: usize, thread: i32): bool {
  const threads = load<i32>(control + THREADS), count = load<i32>(control + COUNT);
  const scratch = <usize> load<u32>(control + SCRATCH) + <usize> thread * <usize> load<u32>(control + SCRATCH_BYTES);
  let stage = <usize> load<u32>(control + STAGES);
  for (let i = 0; i < count; i++) {
    const kernel = load<i32>(stage), tasks = load<i32>(stage, 4), p = <usize> load<u32>(stage, 8);
    if (threads == 1) {
      for (let task = 0; task < tasks; task++) runTask(kernel, p, task, scratch);
    } else {
      const share = max(1, tasks / (threads * SHARES));
      for (let first = take(control, share); first < tasks; first = take(control, share)) {
        const end = min(tasks, first + share);
        for (let task = first; task < end; task++) runTask(kernel, p, task, scratch);
      }
      if (!barrier(control, thread, threads)) return false;
    }
    stage += STAGE_BYTES;
  }
  return true;
}

/** Starts the other threads on the stages that the control block names, and works with them. */
export function lead(control: usize): bool {
  atomic.add<i32>(control + EPOCH, 1);
  atomic.notify(control + EPOCH, -1);
  return work(control, 0);
}

/** The loop of a worker: runs its share of each program; ends at a program of no stages or a failure. */
export function follow(control: usize, thread: i32): void {
  for (let epoch = 0;; epoch++) {
    if (!waitWhile(control, thread, control + EPOCH, epoch, true)) return;
    if (load<i32>(control + COUNT) == 0 || !work(control, thread)) return;
  }
}
