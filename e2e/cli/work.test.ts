// `hasty work TYPE -- COMMAND`: a worker in any language that reads stdin and prints its result.
import type { ChildProcess } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, readJob, untilJob } from '../support/jobs.ts'
import { type CliResult, runCli } from './run-cli.ts'

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ jobs: 1 })
})
afterAll(() => hasty.stop())

let made = 0

/** A worker that runs a shell script for each job of a type of its own, until the test interrupts it. */
async function startWork(script: string, ...options: string[]) {
  const type = `shell-${made++}`
  const registered = await runCli(hasty.url, ['types', 'register', type, '--policy', '{"max_attempts": 1}'])
  expect(registered).toMatchObject({ code: 0, stdout: `${type} is active, concurrency none\n` })
  const started = Promise.withResolvers<ChildProcess>()
  const result: Promise<CliResult> = runCli(hasty.url, ['work', type, ...options, '--', 'sh', '-c', script], {
    onStart: started.resolve,
  })
  const child = await started.promise
  return {
    type,
    interrupt: () => child.kill('SIGINT'),
    async end(): Promise<CliResult> {
      child.kill('SIGINT')
      return result
    },
  }
}

test('the payload is stdin, the result stdout: JSON where it is JSON, else a text', async () => {
  const worker = await startWork('cat; [ "$HASTY_ATTEMPT" = 1 ] && [ -n "$HASTY_FENCING_TOKEN" ]')
  const [json, text, nothing] = [{ a: [1, 'ü'] }, 'not JSON: "', null]
  const ids = []
  for (const payload of [json, text, nothing]) ids.push(await makeJob(hasty, { type: worker.type, payload }))
  for (const [n, result] of [json, text, nothing].entries())
    await untilJob(hasty, String(ids[n]), { status: 'finished', result })
  const { code, stdout } = await worker.end()
  expect(code).toBe(0)
  expect(stdout.split('\n').filter((line) => line.endsWith(' finished'))).toHaveLength(3)
})

test.each([
  [1, 'attempts_exhausted'],
  [65, 'permanent'],
])('exit code %i: the job fails (%s), with what the command said on stderr', async (code, reason) => {
  const worker = await startWork(`echo first >&2; echo "the picture is broken" >&2; exit ${code}`)
  const jobId = await makeJob(hasty, { type: worker.type })
  const { error } = await untilJob(hasty, jobId, { status: 'failed', reason })
  expect(error).toMatchObject({
    name: 'CommandFailed',
    message: 'first\nthe picture is broken',
    code: String(code),
  })
  expect(await worker.end()).toMatchObject({ code: 0 })
})

test('a command that does not exist fails its job, and says so', async () => {
  const type = `missing-${made++}`
  expect(await send('PUT', `${hasty.url}/v1/types/${type}`, { runner: 'http' })).toMatchObject({ status: 201 })
  const started = Promise.withResolvers<ChildProcess>()
  const result = runCli(hasty.url, ['work', type, '--', '/no/such/command'], { onStart: started.resolve })
  const jobId = await makeJob(hasty, { type, attempts: 1 })
  await untilJob(hasty, jobId, { status: 'failed' })
  expect((await readJob(hasty, jobId)).error).toMatchObject({ name: 'CommandNotStarted' })
  ;(await started.promise).kill('SIGINT')
  await result
})

test('a cancelled job ends its command with SIGTERM', async () => {
  const file = join(hasty.dir, 'terminated')
  const worker = await startWork(`trap 'echo yes > ${file}; exit 1' TERM; while :; do sleep 0.1; done`, '--lease', '5s')
  const jobId = await makeJob(hasty, { type: worker.type })
  await untilJob(hasty, jobId, { phase: 'running' })
  expect(await send('POST', `${hasty.url}/v1/jobs/${jobId}/cancel`)).toMatchObject({ status: 200 })
  await vi.waitFor(async () => expect(await readFile(file, 'utf8')).toBe('yes\n'), { timeout: 10_000, interval: 100 })
  await worker.end()
})

test('Ctrl-C lets what runs end, and hands back what takes too long', async () => {
  const gate = join(hasty.dir, 'gate')
  const patient = await startWork(`while [ ! -e ${gate} ]; do sleep 0.1; done; echo done`, '--drain', '30s')
  const jobId = await makeJob(hasty, { type: patient.type })
  await untilJob(hasty, jobId, { phase: 'running' })
  patient.interrupt()
  await writeFile(gate, '')
  await untilJob(hasty, jobId, { status: 'finished', result: 'done' })

  const impatient = await startWork('sleep 600', '--drain', '0s')
  const long = await makeJob(hasty, { type: impatient.type })
  await untilJob(hasty, long, { phase: 'running' })
  expect(await impatient.end()).toMatchObject({ code: 0 })
  const { attempts } = await untilJob(hasty, long, { phase: 'waiting' })
  expect(attempts).toMatchObject([{ outcome: 'released' }])
})
