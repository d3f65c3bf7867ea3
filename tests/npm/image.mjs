/** Reads an image where sharp is not installed, and prints what is said. */

import { readImage } from "residua/images";

await readImage("../project/photos/val/a/0.png").catch((error) => console.log(error.message));
