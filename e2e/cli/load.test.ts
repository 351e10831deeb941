import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { type CliOptions, runCli } from './run-cli.ts'

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ apis: 2, jobs: 1, nginx: true })
})
afterAll(() => hasty.stop())

const load = (args: string[], options: CliOptions = {}) => runCli(hasty.url, ['load', ...args], options)
const count = (text: string, line: RegExp) => text.split('\n').filter((each) => line.test(each)).length

interface Summary {
  ok: boolean
  accepted: number
  unended: string[]
  ended: Record<string, number>
  latency_ms: { p50: number; max: number }
}
const summaryOf = (stdout: string) => JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Summary

test('load sends at its rate, tells of each job twice, and that all ended, while the apis restart', async () => {
  let restarting: Promise<void> | undefined
  const { code, stdout } = await load(['--clients', '5', '--rate', '20', '--duration', '5s'], {
    onStdout: () => {
      restarting ??= (async () => {
        for (const api of hasty.api) await api.restart()
      })()
    },
  })
  await restarting
  expect(code).toBe(0)
  expect(count(stdout, /^submitted task \w+$/)).toBe(100)
  expect(count(stdout, /^task \w+ terminated on \d{4}-\d\d-\d\dT[\d:.]+Z$/)).toBe(100)
  expect(stdout).toMatch(
    /\naccepted +100 \([\d.]+ a second\)\nnot accepted +0\nended +100 finished, 0 failed, 0 cancelled\n/,
  )
  expect(stdout).toMatch(/\nto their end +p50 \d+ ms, p90 \d+ ms, p95 \d+ ms, p99 \d+ ms, max \d+ ms\n/)
  expect(stdout).toMatch(/\ncheck +ok: every accepted job ended\n$/)
})

test('a job that is not accepted fails the check', async () => {
  const { code, stdout, stderr } = await load(['--type', 'nope', '--rate', '5', '--duration', '1s'])
  expect(code).toBe(1)
  expect(stderr).toContain('There is no job type "nope"')
  expect(stdout).toMatch(/\nnot accepted +5 unknown-type\n/)
})

test('a duration of 0 has no end but Ctrl-C, which sends no more jobs and follows those that were sent', async () => {
  let interrupt: (() => void) | undefined
  const { code, stdout, stderr } = await load(['--rate', '20', '--duration', '0', '--json'], {
    onStart: (child) => {
      interrupt = () => child.kill('SIGINT')
    },
    onStdout: (text) => {
      if (count(text, /submitted/) < 10) return
      interrupt?.()
      interrupt = undefined
    },
  })
  expect(code).toBe(0)
  expect(stderr).toContain('No more jobs are created')
  const summary = summaryOf(stdout)
  expect(summary.accepted).toBeGreaterThanOrEqual(10)
  expect(summary.ended['finished']).toBe(summary.accepted)
})

// Last, because its jobs keep the worker busy.
test('a job that does not end fails the check', async () => {
  const args = ['--rate', '10', '--duration', '1s', '--settle', '1s', '--payload', '{"ms": 30000}', '--quiet', '--json']
  const { code, stdout } = await load(args)
  const summary = summaryOf(stdout)
  expect(code).toBe(1)
  expect(summary).toMatchObject({ ok: false, accepted: 10, ended: { finished: 0 } })
  expect(summary.unended).toHaveLength(10)
})
