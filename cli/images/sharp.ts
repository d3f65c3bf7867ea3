/** Sharp, in the one version that is used. */

export { default, type Sharp } from "sharp";
