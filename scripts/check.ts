// The gate before the tests: types, lint, format and dead code, all of them even when one fails.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const bin = join(import.meta.dirname, '..', 'node_modules', '.bin')
const tools: [string, string[]][] = [
  // Incremental: without a change of types it takes a tenth of the CPU.
  ['tsc', ['--noEmit', '--incremental', '--tsBuildInfoFile', '.cache/tsc.json']],
  // The dashboard, which runs in a browser.
  ['tsc', ['--project', 'ui', '--noEmit', '--incremental', '--tsBuildInfoFile', '.cache/tsc-ui.json']],
  ['oxlint', ['--type-aware', '--deny-warnings']],
  ['biome', ['ci', '.', `--colors=${process.stdout.isTTY ? 'force' : 'off'}`]],
  ['knip', []],
]

const failed = tools.filter(([tool, args]) => {
  const startedAt = performance.now()
  const { status } = spawnSync(join(bin, tool), args, { stdio: 'inherit', cwd: join(import.meta.dirname, '..') })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${tool} (${seconds} s)\n`)
  return status !== 0
})
process.exitCode = failed.length > 0 ? 1 : 0
