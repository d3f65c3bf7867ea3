/** Explanations: which places of an image speak for a class. */

export * from "./class_map.ts";
export * from "./grad_cam.ts";
export * from "./occlusion.ts";
