/** uPlot, of which the page is given the build for browsers that the package has beside this one. */

export { default } from "uplot";
