/** What a step submits together: its dispatches, cut where sums over ranks begin or are waited for. */

import type { ProfiledDispatch } from "../profiling/profile.ts";
import type { ExchangePoint } from "./exchange.ts";
import { encodeTexelCopy, type TexelCopy } from "./texels.ts";

/** A pipeline with its buffers and its size. */
export interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
  readonly profile: ProfiledDispatch;
  /** The buffers that are copied into textures before it. */
  readonly copies: readonly TexelCopy[];
}

/** Dispatches that are submitted together, and the sum that begins or is waited for behind them; none behind the last. */
export interface Section extends Partial<Pick<ExchangePoint, "exchange" | "waits">> {
  readonly dispatches: readonly Dispatch[];
}

/** Cuts the dispatches of a step after so many of them each, in order. */
export function sectionsOf(
  dispatches: readonly Dispatch[],
  cuts: readonly { readonly point: ExchangePoint; readonly after: number }[],
): Section[] {
  let done = 0;
  const sections = cuts.map(({ point: { exchange, waits }, after }): Section => {
    const section = { dispatches: dispatches.slice(done, after), exchange, waits };
    done = after;
    return section;
  });
  return [...sections, { dispatches: dispatches.slice(done) }];
}

/** Adds dispatches to what is submitted next. */
export function encodeDispatches(encoder: GPUCommandEncoder, ...lists: readonly (readonly Dispatch[])[]): void {
  let pass: GPUComputePassEncoder | undefined, pipeline: GPUComputePipeline | undefined;
  for (const dispatches of lists) {
    for (const dispatch of dispatches) {
      if (dispatch.copies.length > 0) {
        pass?.end();
        pass = pipeline = undefined;
        for (const copy of dispatch.copies) encodeTexelCopy(encoder, copy);
      }
      pass ??= encoder.beginComputePass();
      if (dispatch.pipeline !== pipeline) pass.setPipeline(pipeline = dispatch.pipeline);
      pass.setBindGroup(0, dispatch.bindGroup);
      pass.dispatchWorkgroups(...dispatch.workgroups);
    }
  }
  pass?.end();
}
