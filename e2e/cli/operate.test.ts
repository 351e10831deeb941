// Commands for operators: types, schedules, workers.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { runCli } from './run-cli.ts'

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

test('a schedule is put, shown, paused, resumed, triggered and deleted', async () => {
  const file = join(hasty.dir, 'hourly.json')
  await writeFile(file, JSON.stringify({ cron: '0 * * * *', job: { type: 'add', payload: { numbers: [1, 2] } } }))
  expect(await good('schedules', 'put', 'hourly', file)).toMatch(/^hourly: next 20\d\d-/)
  expect(await good('schedules', 'list')).toMatch(/^NAME +TIMES +.*\nhourly +0 \* \* \* \* \(UTC\) +add +20/)
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
