/** The package `@napi-rs/image`, in the one version that is used. */

export { Transformer } from "@napi-rs/image";
