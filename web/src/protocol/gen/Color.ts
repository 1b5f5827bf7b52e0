export type Color = "white" | "black";
