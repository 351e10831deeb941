import type { ProblemCode } from '#shared/contracts/http/problems.ts'

/** The answer's status and the problem's code. */
export type Verdict = `${number} ${ProblemCode}`

/** One thing that a client may send and must be refused. */
export interface Row {
  what: string
  request: Buffer | (() => Buffer)
  expect: Verdict
  /** What nginx answers itself, where it does not let the request through as it is. */
  nginx?: Verdict
  /** Why nginx may, or why the verdict is another than one would think. */
  why?: string
  /** Where the body is wrong. */
  pointer?: string
  /** A header of the answer. */
  header?: [name: string, value: string]
}
