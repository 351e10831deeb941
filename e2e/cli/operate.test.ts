// Commands for operators: types, schedules, workers.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { untilJob } from '../support/jobs.ts'
import { runCli } from './run-cli.ts'

const SOON = { timeout: 20_000, interval: 200 }

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ apis: 1, jobs: 1 })
})
afterAll(() => hasty.stop())

const cli = (...args: string[]) => runCli(hasty.url, args)

/** Output of a successful command. */
async function good(...args: string[]): Promise<string> {
  const result = await cli(...args)
  expect(result).toMatchObject({ code: 0, stderr: '' })
  return result.stdout
}

test('types are listed, paused, resumed and limited', async () => {
  expect(await good('types', 'list')).toMatch(/^TYPE +WAITING +RUNNING +CONCURRENCY +NOTE\n(.*\n)*add +0 +0 +none\n/)
  expect(await good('types', 'pause', 'add', 'multiply')).toBe(
    'add is paused, concurrency none\nmultiply is paused, concurrency none\n',
  )
  expect(await good('types', 'list')).toMatch(/\nadd .* paused\n/)
  const resumed = await cli('types', 'resume', 'add', 'nope', 'multiply')
  expect(resumed).toMatchObject({ code: 3, stdout: expect.stringContaining('multiply is active') as string })
  expect(resumed.stderr).toMatch(/^hasty: nope: .*hasty types list\n$/)
  expect(await good('types', 'concurrency', 'add', '3')).toBe('add is active, concurrency 3\n')
  expect(JSON.parse(await good('types', 'concurrency', 'add', 'none', '--json'))).toMatchObject({ concurrency: null })
  expect(await cli('types', 'concurrency', 'add', '0')).toMatchObject({ code: 2, stdout: '' })
})

test('top shows what happens now, and errors what went wrong, of which the jobs are found', async () => {
  const [digest] = (await good('top', '--once', '--json')).split('\n')
  expect(JSON.parse(digest ?? '')).toMatchObject({
    workers: 1,
    verdict: { code: 'healthy' },
    types: { add: { waiting: 0 } },
  })
  expect(await good('top', '--once')).toMatch(/hasty top .*1 worker[\s\S]*HEALTHY[\s\S]*\n add +○ idle +0 +0 +0 +0 +0/)
  expect(await cli('errors')).toMatchObject({ code: 0, stderr: 'No job or attempt has failed.\n' })
  const jobId = (await good('create', 'multiply', '{"numbers":[1e308,1e308]}')).trim().split(/\s/)[0] ?? ''
  await untilJob(hasty, jobId, { status: 'failed' })
  const found = await vi.waitFor(async () => {
    const result = await cli('errors', '--type', 'multiply', '--since', '1h')
    expect(result.stdout).toMatch(/\n[0-9a-f]{16} +multiply +1 +1 +20/)
    return result
  }, SOON)
  const fingerprint = /\n([0-9a-f]{16}) /.exec(found.stdout)?.[1] ?? ''
  expect(found.stderr).toContain(`hasty redrive --error ${fingerprint}`)
  expect(await good('list', '--error', fingerprint, '--attempts-min', '1')).toContain(jobId)
  expect(await good('list', '--payload', '/numbers/0=1e+308')).toContain(jobId)
  expect(await cli('list', '--payload', 'numbers=1')).toMatchObject({ code: 2 })
})

test('a schedule is put, shown, paused, resumed, triggered and deleted', async () => {
  const file = join(hasty.dir, 'hourly.json')
  await writeFile(file, JSON.stringify({ cron: '0 * * * *', job: { type: 'add', payload: { numbers: [1, 2] } } }))
  expect(await good('schedules', 'put', 'hourly', file)).toMatch(/^hourly: next 20\d\d-/)
  expect(await good('schedules', 'list')).toMatch(/^NAME +TIMES +.*\nhourly +0 \* \* \* \* \(UTC\) +add +20/)
  expect(await good('schedules', 'list', '--limit', '1')).toMatch(/^NAME .*\nhourly [^\n]*\n$/)
  expect(await good('schedules', 'get', 'hourly')).toMatch(/^name +hourly\n(.*\n)*paused +no\nnext +20.*, 20/)
  expect(await good('schedules', 'pause', 'hourly')).toBe('hourly: paused\n')
  expect(await good('schedules', 'resume', 'hourly')).toMatch(/^hourly: next 20/)
  const jobId = (await good('schedules', 'trigger', 'hourly')).trim()
  expect(await good('get', jobId)).toContain('schedule:hourly')
  const deleted = await cli('schedules', 'delete', 'nope', 'hourly')
  expect(deleted).toMatchObject({ code: 3, stdout: 'deleted hourly\n' })
  expect(deleted.stderr).toMatch(/^hasty: nope: .*hasty schedules list\n$/)
  expect(await cli('schedules', 'list')).toMatchObject({ stdout: '', stderr: 'There are no schedules.\n' })
})

test('workers are listed, and shown with what they run', async () => {
  const [heading, worker = ''] = (await good('workers')).split('\n')
  expect(heading).toMatch(/^ID +LIVE +RUNNING +PROCESSED +FAILED +SINCE +TYPES$/)
  const id = worker.split(' ')[0] ?? ''
  expect(await good('workers', id)).toMatch(new RegExp(`\\n${id} +yes +0 of `))
  expect(JSON.parse(await good('workers', id, '--json'))).toMatchObject({ worker_id: id, running_jobs: [] })
  const nope = await cli('workers', 'nope')
  expect(nope).toMatchObject({ code: 3, stdout: '' })
  expect(nope.stderr).toContain('hasty workers --all')
})
