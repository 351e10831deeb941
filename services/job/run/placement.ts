export const PLACEMENTS = ['auto', 'child', 'link'] as const

/**
 * Where the spans of attempts are: in the trace of what sent their job, or in traces of their own with a link to it.
 * `auto`: those of the first round that begin soon are in it.
 */
export type Placement = (typeof PLACEMENTS)[number]
