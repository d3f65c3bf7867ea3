/** The package `@napi-rs/image`, in the one version that is used. */

export { Transformer } from "npm:@napi-rs/image@1.15.0";
