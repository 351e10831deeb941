import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startChild } from './servers/child.ts'
import { readReport, type Totals } from './test-report.ts'

const root = join(import.meta.dirname, '..')

/** Runs a program to its end; the exit code, 1 when a signal ended it. */
export async function runToEnd(command: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const child = await startChild(command, args, { cwd: root, env })
  const { code } = await child.exited
  return code ?? 1
}

/** @param dir for the report */
export async function runVitest(
  args: string[],
  dir: string,
  env: NodeJS.ProcessEnv,
): Promise<Totals & { code: number }> {
  const reportFile = join(dir, 'report.json')
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
  const code = await runToEnd(process.execPath, [vitest, 'run', ...reporters, ...args], env)
  const report = await readFile(reportFile, 'utf8').catch(() => undefined)
  return { code, ...readReport(report) }
}
