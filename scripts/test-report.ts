import { relative } from 'node:path'
import { z } from 'zod'

export type Totals = {
  passed: number
  failed: number
  skipped: number
  skippedNames: string[]
  /** "path > suite > test" of each failed test, or the path of a file that could not be loaded. */
  failedNames: string[]
  failedFiles: string[]
  /** The files that took longest, the slowest first. */
  slowest: { file: string; seconds: number }[]
}

const SLOWEST = 10

const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      startTime: z.number(),
      endTime: z.number(),
      assertionResults: z.array(
        z.object({ status: z.string(), title: z.string(), ancestorTitles: z.array(z.string()) }),
      ),
    }),
  ),
})

/** Counts of vitest's JSON report. A file that could not even be loaded counts as one failed test. */
export function readReport(text: string | undefined): Totals {
  if (text === undefined)
    return { passed: 0, failed: 1, skipped: 0, skippedNames: [], failedNames: [], failedFiles: [], slowest: [] }
  const report = reportSchema.parse(JSON.parse(text))
  const failedFiles = report.testResults.filter(({ status }) => status === 'failed')
  const brokenFiles = failedFiles.filter((file) => !hasFailedTest(file))
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
    skippedNames: [...new Set(report.testResults.flatMap(skippedIn))],
    failedNames: [...brokenFiles.map(pathOf), ...failedFiles.flatMap(failedIn)],
    failedFiles: failedFiles.map(pathOf),
    slowest: report.testResults
      .map((file) => ({ file: pathOf(file), seconds: (file.endTime - file.startTime) / 1000 }))
      .toSorted((a, b) => b.seconds - a.seconds)
      .slice(0, SLOWEST),
  }
}

type FileResult = z.output<typeof reportSchema>['testResults'][number]

const pathOf = ({ name }: FileResult): string => relative(process.cwd(), name)

function hasFailedTest(file: FileResult): boolean {
  return file.assertionResults.some(({ status }) => status === 'failed')
}

const failedIn = (file: FileResult): string[] =>
  file.assertionResults
    .filter(({ status }) => status === 'failed')
    .map(({ ancestorTitles, title }) => [pathOf(file), ...ancestorTitles, title].join(' > '))

/** "path > suite" for each suite in which nothing ran, "path > suite > test" for skipped tests in the others. */
function skippedIn(file: FileResult): string[] {
  const path = pathOf(file)
  const suites = Map.groupBy(file.assertionResults, ({ ancestorTitles }) => ancestorTitles.join(' > '))
  return [...suites].flatMap(([suite, tests]) => {
    const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed')
    const names = skipped.length === tests.length ? [''] : skipped.map(({ title }) => title)
    return names.map((name) => [path, suite, name].filter(Boolean).join(' > '))
  })
}
