/** Sharp, in the one version that is used. */

export { default, type Metadata, type Sharp } from "sharp";
