// `hasty work TYPE -- COMMAND`: a worker in any language that reads stdin and prints its result.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, readJob, untilJob } from '../support/jobs.ts'
import { type CliResult, main, runCli } from './run-cli.ts'

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
  let stdout = ''
  const result: Promise<CliResult> = runCli(hasty.url, ['work', type, ...options, '--', 'sh', '-c', script], {
    onStart: started.resolve,
    onStdout: (text) => (stdout = text),
  })
  const child = await started.promise
  return {
    type,
    stdout: () => stdout,
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

test.each([
  ['{"__proto__":{"a":1}}', 'forbidden-member', /__proto__/],
  [String.raw`"\ud800"`, 'invalid-unicode', /surrogate/],
  ['['.repeat(100) + ']'.repeat(100), 'too-deep', /nested/],
  ['{"a":9007199254740993}', 'number-out-of-range', /\/a is the whole number 9007199254740993/],
  ['1e999', 'number-out-of-range', /it is a number too large/],
  ['{"a":1,"a":2}', 'duplicate-member', /\/a appears twice/],
  [String.raw`{"a":{"b":1,"\u0062":2}}`, 'duplicate-member', /\/a\/b appears twice/],
])('a result that would not be stored as it was printed fails the job for good: %#', async (printed, code, message) => {
  const worker = await startWork(`printf %s '${printed}'`)
  const jobId = await makeJob(hasty, { type: worker.type })
  const { error } = await untilJob(hasty, jobId, { status: 'failed', reason: 'permanent' })
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string })
  expect(error?.message).toMatch(/^the result was refused: /)
  expect((await worker.end()).stdout).toBe(`${jobId} failed\n`)
})

test('bytes that are no text fail the job for good, and are replaced in an error', async () => {
  const worker = await startWork(`printf '\\377'`)
  const jobId = await makeJob(hasty, { type: worker.type })
  const { error } = await untilJob(hasty, jobId, { status: 'failed', reason: 'permanent' })
  expect(error).toMatchObject({ code: 'invalid-unicode', message: expect.stringMatching(/not UTF-8/) as string })
  await worker.end()

  const failing = await startWork(`printf 'bad \\377 x' >&2; exit 1`)
  const failedId = await makeJob(hasty, { type: failing.type })
  const failed = await untilJob(hasty, failedId, { status: 'failed', reason: 'attempts_exhausted' })
  expect(failed.error).toMatchObject({ name: 'CommandFailed', message: 'bad \ufffd x' })
  await failing.end()
})

test('the last lines of a long error may begin in the middle of a character', async () => {
  const worker = await startWork(`printf '\u{1F600}%01999d' 0 >&2; exit 1`)
  const jobId = await makeJob(hasty, { type: worker.type })
  const { error } = await untilJob(hasty, jobId, { status: 'failed', reason: 'attempts_exhausted' })
  expect(error?.message).toBe(`\ufffd${'0'.repeat(1_999)}`)
  await worker.end()
})

test.each([
  ['/no/such/command', /There is no file \/no\/such\/command/],
  ['no-such-command', /There is no command no-such-command in PATH/],
  ['/tmp', /There is no file \/tmp to run/],
  ['/etc/passwd', /\/etc\/passwd is not executable\. Run: chmod \+x/],
])('a command that cannot be started claims nothing: %s', async (command, message) => {
  const type = `missing-${made++}`
  expect(await send('PUT', `${hasty.url}/v1/types/${type}`, { runner: 'http' })).toMatchObject({ status: 201 })
  const jobId = await makeJob(hasty, { type, attempts: 1 })
  const { code, stderr, stdout } = await runCli(hasty.url, ['work', type, '--', command])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(message)
  expect(await readJob(hasty, jobId)).toMatchObject({ phase: 'waiting', attempts: [] })
})

test('a type that does not exist is the only thing that is said', async () => {
  const { code, stderr } = await runCli(hasty.url, ['work', 'nope', '--', 'cat'])
  expect(code).toBe(2)
  expect(stderr).toMatch(/^hasty: [^\n]*nope[^\n]*\n$/)
})

test('a cancelled job ends its command with SIGTERM', async () => {
  const file = join(hasty.dir, 'terminated')
  const worker = await startWork(`trap 'echo yes > ${file}; exit 1' TERM; while :; do sleep 0.1; done`, '--lease', '5s')
  const jobId = await makeJob(hasty, { type: worker.type })
  await untilJob(hasty, jobId, { phase: 'running' })
  expect(await send('POST', `${hasty.url}/v1/jobs/${jobId}/cancel`)).toMatchObject({ status: 200 })
  await vi.waitFor(async () => expect(await readFile(file, 'utf8')).toBe('yes\n'), { timeout: 10_000, interval: 100 })
  await vi.waitFor(() => expect(worker.stdout()).toBe(`${jobId} cancelled\n`), { timeout: 10_000, interval: 100 })
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
  expect(await impatient.end()).toMatchObject({ code: 0, stdout: `${long} released\n` })
  const { attempts } = await untilJob(hasty, long, { phase: 'waiting' })
  expect(attempts).toMatchObject([{ outcome: 'released' }])
})

test.each([
  ['npm', { npm_lifecycle_script: 'hasty' }, true],
  ['any other shell', {}, false],
])('a worker that %s started: what it does when its parent ends', async (_, env, ends) => {
  const type = `parent-${made++}`
  expect(await send('PUT', `${hasty.url}/v1/types/${type}`, { runner: 'http' })).toMatchObject({ status: 201 })
  let stderr = ''
  const worker = [process.execPath, main, 'work', type, '--', 'sh', '-c', 'sleep 1.5; cat']
  const shell = spawn('sh', ['-c', '"$@" & echo $!; wait', 'sh', ...worker], {
    env: { PATH: process.env['PATH'], HASTY_URL: hasty.url, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const pid = Number(String((await once(shell.stdout, 'data'))[0]))
  shell.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  await vi.waitFor(() => expect(stderr).toContain('claims jobs'), { timeout: 20_000, interval: 50 })
  shell.kill('SIGTERM')
  await once(shell, 'exit')
  if (ends) {
    await once(shell, 'close') // The worker held the other end of stderr.
    expect(stderr).toContain('npm, which started this worker, has gone.')
    return
  }
  // The second one is claimed when the parent has been away for longer than the time between two looks at it.
  for (const payload of ['first', 'second']) {
    const jobId = await makeJob(hasty, { type, payload })
    await untilJob(hasty, jobId, { status: 'finished', result: payload })
  }
  process.kill(pid, 'SIGTERM')
  await once(shell, 'close')
})
