/** Sharp, in the one version that is used. */

export { default, type Metadata, type Sharp } from "npm:sharp@0.35.5";
