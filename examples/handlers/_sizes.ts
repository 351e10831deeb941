/** The height of a picture of this width, in the shape of the shop's pictures. */
export const heightFor = (width: number, square: boolean): number => (square ? width : Math.round((width * 3) / 4))
