/** Which version of a job or request a row is: the generation of the projection, then the sequence in its stream. */
export interface RowVersion {
  generation: number
  seq: number
}

/** The one meaning of "newer": generation first, then the stream sequence. */
export const isNewer = (a: RowVersion, b: RowVersion): boolean =>
  a.generation === b.generation ? a.seq > b.seq : a.generation > b.generation
