import type { z } from 'zod'

type Issue = z.core.$ZodIssue

/** A body may have a hundred thousand wrong members, of which callers show some. */
const MAX_READ = 1_000

/**
 * Returns what is to be told of an invalid value: of a choice what the meant branch says, at its place, and about one
 * member one thing where others follow from it or say less.
 */
export function issuesOf(error: z.ZodError): Issue[] {
  const issues = error.issues.slice(0, MAX_READ).flatMap(inMeantBranch)
  const byPath = Map.groupBy(issues, ({ path }) => JSON.stringify(path.map(String)))
  const isOutdone = (issue: Issue, at: number, all: Issue[]): boolean =>
    all.some((other, place) => outdoes(other, issue, place < at))
  return [...byPath.values()].flatMap((all) => all.filter((issue, at) => !isOutdone(issue, at, all)))
}

/** Returns, for a choice that no branch fits, the issues of the only branch whose kind the value has, else its own. */
function inMeantBranch(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const meant = issue.errors.filter((branch) => !branch.some(isOtherKind))
  const [only] = meant
  if (only === undefined || meant.length > 1) return [issue]
  return only.flatMap((inner) => inMeantBranch({ ...inner, path: [...issue.path, ...inner.path] }))
}

/** Whether the value as a whole is of another kind than the branch describes. */
const isOtherKind = ({ code, path }: Issue): boolean =>
  path.length === 0 && (code === 'invalid_type' || code === 'invalid_value' || code === 'invalid_union')

/**
 * Whether the second issue of a member has nothing left to say: an empty text is no array, whose number of items does
 * not matter then, and a number beyond the safe ones breaks the member's own bound too.
 * @param isFirst decides between two that say the same
 */
function outdoes(one: Issue, other: Issue, isFirst: boolean): boolean {
  if (one.code !== other.code) return one.code === 'invalid_type'
  const difference = boundOf(other) - boundOf(one)
  return difference > 0 || (difference === 0 && isFirst)
}

/** The smaller, the tighter; NaN for an issue that is not about a bound. */
function boundOf(issue: Issue): number {
  if (issue.code === 'too_big') return Number(issue.maximum)
  return issue.code === 'too_small' ? -Number(issue.minimum) : Number.NaN
}
