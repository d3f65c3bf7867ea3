/** Plots of a run, as SVG: its curves, and which classes are taken for which. */

export { confusionSvg } from "./confusion.ts";
export { curvesSvg, ratesSvg } from "./curves.ts";
