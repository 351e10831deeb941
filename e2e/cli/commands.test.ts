import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { readJob, untilJob } from '../support/jobs.ts'
import { type CliOptions, type CliResult, runCli } from './run-cli.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
/** Lists and counts are a moment behind the log. */
const SOON = { timeout: 20_000 }

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ apis: 2, jobs: 1, nginx: true, env: { HANDLERS_DIR } })
})
afterAll(() => hasty.stop())

const cli = (args: string[], options: CliOptions = {}): Promise<CliResult> => runCli(hasty.url, args, options)
const record = ({ stdout }: CliResult) => JSON.parse(stdout) as Record<string, unknown>

/** Output of a successful command. */
async function good(args: string[], options: CliOptions = {}): Promise<string> {
  const result = await cli(args, options)
  expect(result).toMatchObject({ code: 0, stderr: '' })
  return result.stdout
}

const makeJob = async (...args: string[]): Promise<string> => (await good(['create', ...args])).trim()

describe('calculations', () => {
  test.each([
    [['add', '--i', '1,2,3,4,5,6'], 'Result: 21\n'],
    [['add', '--i=1,2,3,4,5,6'], 'Result: 21\n'],
    [['add', '--i', '-1,2.5'], 'Result: 1.5\n'],
    [['mul', '--i', '1,2,3'], 'Result: 6\n'],
    [['mul', '--i=2,4', '--wait=3s'], 'Result: 8\n'],
    [['multiply', '--i', '2,5'], 'Result: 10\n'],
  ])('%j', async (args, stdout) => {
    expect(await good(args)).toBe(stdout)
  })

  test('as JSON', async () => {
    const result = record(await cli(['add', '--i', '1,2', '--json']))
    expect(result).toMatchObject({ deferred: false, status: 'finished', result: 3 })
  })
})

test('lookup tells what became of a task', async () => {
  const done = await makeJob('add', '{"numbers": [1, 2, 3]}')
  const failed = await makeJob('moody', '{"bad_attempts": 1}')
  const cancelled = await makeJob('moody', '{}', '--delay', '1h')
  await untilJob(hasty, done, { status: 'finished' })
  await untilJob(hasty, failed, { status: 'failed' })
  expect(await good(['lookup', '--uuid', `task_${cancelled}`])).toBe('Status : PENDING\n')
  await good(['cancel', cancelled, '--reason', 'not needed'])
  expect(await good(['lookup', `--uuid=task_${done}`])).toBe('Status : SUCCESS\nResult : 6\n')
  expect(await good(['lookup', `--uuid=task_${failed}`])).toBe('Status : FAILURE\nReason : bad mood 1\n')
  expect(await good(['lookup', '--uuid', cancelled])).toBe('Status : CANCELLED\nReason : not needed\n')
})

test('create takes a payload from the line, a file or stdin, and waits where asked', async () => {
  const file = join(hasty.dir, 'payload.json')
  await writeFile(file, '{"numbers": [4, 5]}')
  expect(await good(['create', 'add', '{"numbers": [1, 2]}', '--wait', '20s'])).toBe('3\n')
  expect(await good(['create', 'add', '--payload-file', 'payload.json', '--wait', '20s'], { cwd: hasty.dir })).toBe(
    '9\n',
  )
  expect(await good(['create', 'add', '-', '--wait', '20s'], { stdin: '{"numbers": [7]}' })).toBe('7\n')

  const failed = await cli(['create', 'moody', '{"bad_attempts": 1}', '--wait', '20s'])
  expect(failed).toMatchObject({ code: 1, stdout: '' })
  expect(failed.stderr).toMatch(/^hasty: Job \w+ failed: bad mood 1\. Retry it when .* is gone: hasty retry \w+\n$/)
  const hopeless = await cli(['create', 'multiply', '{"numbers": [1e200, 1e200]}', '--wait', '20s'])
  expect(hopeless).toMatchObject({ code: 1, stdout: '' })
  expect(hopeless.stderr).toMatch(/^hasty: Job \w+ failed: .*create another job\.\n$/)
  expect(hopeless.stderr).not.toContain('hasty retry')

  const late = await cli(['create', 'moody', '--delay', '1h', '--wait', '300ms', '--json'])
  expect(late.code).toBe(124)
  expect(record(late)).toMatchObject({ status: 'scheduled', type: 'moody' })
  expect(JSON.parse(late.stderr)).toMatchObject({ error: { code: 'wait-timeout', exit_code: 124 } })
})

test('a job is shown, explained, cancelled and started again', async () => {
  const id = await makeJob('moody', '{"ms": 1}', '--delay=1h', '--object-id', 'shown-1', '--priority', 'high')
  expect(await good(['get', id])).toMatch(new RegExp(`^job_id +${id}\n(.*\n)*status +scheduled\npriority +high\n`))
  expect(record(await cli(['get', id, '--json']))).toMatchObject({ job_id: id, payload: { ms: 1 } })
  expect(await good(['why', id])).toMatch(/is scheduled\n {2}delayed: /)
  expect(await good(['cancel', id])).toBe(`${id} is cancelled\n`)
  expect(await good(['retry', id])).toBe(`${id} is processing\n`)
  await untilJob(hasty, id, { status: 'finished', round: 2 })
})

test('get shows the parent of a job that a handler made, and the children of the parent', async () => {
  const makes = Array.from({ length: 12 }, (_, n) => ({ name: `n${n}`, type: 'moody' }))
  const id = await makeJob('maker', JSON.stringify({ makes }))
  const { children = [] } = await untilJob(hasty, id, { status: 'finished' })
  const [first, last] = [children[0]?.job_id ?? '', children[9]?.job_id ?? '']
  expect(await good(['get', id])).toMatch(new RegExp(`\nchildren +n0 \\(${first}\\), .*n9 \\(${last}\\) and 2 more\n`))
  expect(await good(['get', first])).toMatch(new RegExp(`\nparent +${id}\n`))
})

test('get and why show what happened in every attempt, in which round, and what to do next', async () => {
  const id = await makeJob('moody', '{"bad_attempts": 3}', '--attempts', '2')
  await untilJob(hasty, id, { status: 'failed' })
  await good(['retry', id, '--attempts', '1'])
  await untilJob(hasty, id, { status: 'failed', round: 2 })
  const [got, why] = [await good(['get', id]), await good(['why', id])]
  expect(why).toMatch(
    new RegExp(`^${id} is failed, round 2\n  ended: It failed at \\S+, because all of its attempts failed\\.\n`),
  )
  expect(why).toMatch(/\n {2}error: bad mood 3\n {2}reason: attempts_exhausted\n/)
  expect(why).toContain(`\n  next: Retry it when the cause of the error is gone: hasty retry ${id}\n`)
  for (const shown of [got, why]) {
    const table = shown.split('\n').slice(-5, -1)
    expect(table[0]).toMatch(/^ {2}ROUND +ATTEMPT +WORKER +STARTED +TOOK +OUTCOME +ERROR$/)
    expect(table.slice(1).map((line) => line.trim().replace(/ +\S+ +20\S+ +\d.* m?s +/, ' ... '))).toEqual([
      '1      1 ... retrying  bad mood 1',
      '1      2 ... failed    bad mood 2',
      '2      3 ... failed    bad mood 3',
    ])
  }
})

test('why says once how many jobs are ahead', async () => {
  await good(['types', 'pause', 'moody'])
  try {
    const ids = [await makeJob('moody'), await makeJob('moody')]
    const why = await good(['why', ids[1] ?? ''])
    expect(why.match(/ahead/g)).toHaveLength(1)
    expect(why).toContain('\n  next: It does not start before its type, moody, is resumed: hasty types resume moody\n')
  } finally {
    await good(['types', 'resume', 'moody'])
  }
})

test('of several jobs each is cancelled, also after one that cannot be, and the exit code says so', async () => {
  const [first, second, third] = [await makeJob('moody', '--delay', '1h'), 'nope', await makeJob('moody', '--delay=1h')]
  const result = await cli(['cancel', first, second, third])
  expect(result).toMatchObject({ code: 3, stdout: `${first} is cancelled\n${third} is cancelled\n` })
  expect(result.stderr).toMatch(/^hasty: nope: .*No job has this id.*\n$/)
  const retried = await cli(['retry', first, second, third, '--delay', '1h', '--json'])
  expect(retried).toMatchObject({ code: 3 })
  expect(retried.stdout.trim().split('\n')).toHaveLength(2)
  expect(JSON.parse(retried.stderr)).toMatchObject({ error: { code: 'job-not-found', exit_code: 3 } })
  const nobody = await cli(['cancel', first, third, '--url', 'http://127.0.0.1:9'])
  expect(nobody).toMatchObject({ code: 7, stdout: '' })
  expect(nobody.stderr).toContain(`Stopped at ${first}; not processed: ${third}\n`)
})

test('help says the units of a duration', async () => {
  for (const name of ['retry', 'create', 'load', 'add', 'token'])
    expect((await good(['help', name])).replaceAll(/\s+/g, ' ')).toContain(
      '500ms, 30s, 5m, 2h, 1d; a bare number is seconds',
    )
})

test('watch tells every event and ends with the job, and says by its exit code how', async () => {
  const id = await makeJob('telling', '{"steps": 2, "ms": 1050}')
  const { code, stdout, stderr } = await cli(['watch', id])
  expect({ code, stderr }).toEqual({ code: 0, stderr: `${id} is finished\n` })
  const events = stdout.split('\n').map((line) => line.split(/ +/)[1])
  expect(events.slice(0, -1)).toEqual(['job:created', 'job:started', 'job:progress', 'job:progress', 'job:finished'])
  expect(stdout).toContain('100 %, step 2')

  const failed = await makeJob('moody', '{"bad_attempts": 1}')
  expect(await cli(['watch', failed])).toMatchObject({
    code: 1,
    stderr: `hasty: Job ${failed} failed: bad mood 1. Retry it when the cause of the error is gone: hasty retry ${failed}\n`,
  })
  const ended = await cli(['watch', failed, '--json'])
  expect(ended.code).toBe(1)
  const last = ended.stdout.trim().split('\n').at(-1) ?? ''
  expect(JSON.parse(last)).toMatchObject({ event: 'job:failed', job_id: failed })
})

test('Ctrl-C leaves the watch and not the job', async () => {
  const id = await makeJob('moody', '--delay', '1h')
  let interrupt = () => undefined as unknown
  const watching = await cli(['watch', id], {
    asShell: true,
    onStart: (child) => {
      interrupt = () => child.kill('SIGINT')
    },
    onStdout: () => void interrupt(),
  })
  expect(watching).toMatchObject({ code: 130, stderr: 'hasty: Interrupted.\n' })
  await untilJob(hasty, id, { status: 'scheduled' })
})

test('list shows what is meant, newest first, and stats count', async () => {
  const ids: string[] = []
  for (let n = 0; n < 3; n++) ids.unshift(await makeJob('moody', '--delay', '1h', '--object-id', `listed-${n}`))
  await expect
    .poll(async () => {
      const [heading, ...lines] = (await good(['list', '--status', 'scheduled', '--limit', '3'])).trim().split('\n')
      expect(heading).toMatch(/^ID +STATUS +TYPE +CREATED +OBJECT +NOTE$/)
      return lines.map((line) => line.split(/ +/)[0])
    }, SOON)
    .toEqual(ids)
  const records = (await good(['list', '--json', '--object-id=listed-1', '--created-after', '1h'])).trim()
  expect(JSON.parse(records)).toMatchObject({ job_id: ids[1], status: 'scheduled' })
  expect(await cli(['list', '--type', 'circular'])).toMatchObject({
    code: 0,
    stdout: '',
    stderr: 'No jobs match.\n',
  })
  const misspelt = 'There is no job type "mody". Did you mean "moody"?\n'
  expect(await cli(['list', '--type', 'mody'])).toMatchObject({ code: 0, stderr: `No jobs match. ${misspelt}` })
  const dry = await cli(['redrive', '--type', 'mody', '--dry-run'])
  expect(dry).toMatchObject({ code: 0, stdout: '0 jobs would be retried\n', stderr: misspelt })
  expect(await good(['stats'])).toMatch(
    /^TYPE +SCHEDULED +PROCESSING +FINISHED +CANCELLED +FAILED\n(.*\n)*moody +[3-9]/,
  )
  expect(record(await cli(['stats', '--json']))).toHaveProperty('by_type.moody.scheduled')
})

test('redrive asks first, and starts what failed again', async () => {
  const id = await makeJob('moody', '{"bad_attempts": 1}', '--object-id', 'driven-1')
  await untilJob(hasty, id, { status: 'failed' })
  const one = ['redrive', '--object-id', 'driven-1']
  await expect.poll(() => good([...one, '--dry-run']), SOON).toBe('1 job would be retried\n')
  expect(await cli(one)).toMatchObject({ code: 2, stdout: '' })
  expect(await good([...one, '--yes', '--rate', '50'])).toBe('1 job retried\n')
  await untilJob(hasty, id, { status: 'finished', round: 2 })
})

test('cancel takes ids, or a filter and asks first', async () => {
  const id = await makeJob('moody', '--delay', '1h', '--tag', 'cli:1')
  const tagged = ['cancel', '--tag', 'cli:1']
  await expect.poll(() => good([...tagged, '--dry-run']), SOON).toBe('1 job would be cancelled\n')
  expect(await cli(tagged)).toMatchObject({ code: 2, stdout: '' })
  expect(await cli(['cancel'])).toMatchObject({ code: 2, stdout: '' })
  expect(await cli([...tagged, id])).toMatchObject({ code: 2, stdout: '' })
  const cancelled = { dry_run: false, matched: 1, cancelled: 1, skipped: 0 }
  expect(record(await cli([...tagged, '--yes', '--reason', 'left', '--json']))).toEqual(cancelled)
  expect(await readJob(hasty, id)).toMatchObject({ status: 'cancelled', error: { message: 'left' } })
  expect(await good([...tagged, '--yes'])).toBe('0 jobs cancelled\n')
})

test('help and version are there as one asks for them', async () => {
  const help = await good(['help'], { asShell: true })
  for (const args of [[], ['--help'], ['-h']]) expect(await good(args)).toBe(help)
  for (const name of ['add', 'multiply|mul', 'lookup', 'create', 'watch', 'load', 'redrive', 'requests|request'])
    expect(help).toContain(`\n  ${name} `)
  const ofAdd = await good(['help', 'add'])
  expect(ofAdd).toMatch(/^Usage: hasty add \[options\]\n(.*\n)* +--i <numbers>/)
  expect(await good(['add', '--help'])).toBe(ofAdd)
  const ofList = await good(['help', 'requests', 'list'])
  expect(ofList).toMatch(/^Usage: hasty requests list \[options\]\n/)
  expect(await good(['request', 'list', '--help'])).toBe(ofList)
  expect(await good(['message', '--help'])).toBe(await good(['help', 'messages']))
  expect(await good(['version'])).toMatch(/^hasty \d+\.\d+\.\d+\n$/)
  expect(await good(['--version'])).toBe(await good(['version']))
})

test('completion completes commands and options', async () => {
  const script = await good(['completion', 'bash'])
  const complete = async (...words: string[]) => {
    const asked = `COMP_WORDS=(hasty ${words.join(' ')}); COMP_CWORD=${words.length}; _hasty; echo "\${COMPREPLY[@]}"`
    return (await promisify(execFile)('bash', ['-c', `${script}\n${asked}`])).stdout.trim()
  }
  expect(await complete('lo')).toBe('lookup load')
  expect(await complete('lookup', '--u')).toBe('--uuid --url')
  expect(await complete('requests', 'c')).toBe('create cancel')
  expect(await complete('request', 'c')).toBe('create cancel')
  expect(await complete('request', 'create', '--w')).toBe('--wait')
  expect(await complete('types', 'concurrency', '--j')).toBe('--json')
  expect(await good(['completion', 'zsh'])).toContain(script)
  expect(await good(['completion', 'fish'])).toContain("complete -c hasty -n '__fish_seen_subcommand_from add' -l i\n")
  expect(await cli(['completion', 'cmd'])).toMatchObject({ code: 2, stdout: '' })
})

describe('a mistake is one sentence on stderr, with what to do next, and an exit code:', () => {
  test.each<[string, string[], number, RegExp]>([
    ['no numbers', ['add'], 2, /--i <numbers>.*: hasty help add$/],
    ['numbers that are none', ['add', '--i', '1,x'], 2, /separated by commas, such as 1,2,3/],
    ['a command that is none', ['lst'], 2, /Did you mean list\?.*: hasty help$/],
    ['help for a command that is none', ['help', 'creat'], 2, /Did you mean create\?.*: hasty help$/],
    ['an option that is none', ['stats', '--nope'], 2, /--nope.*: hasty help stats$/],
    [
      'an option that is misspelt',
      ['create', 'moody', '--dely', '1s'],
      2,
      /Did you mean --delay\?.*: hasty help create$/,
    ],
    ['no file', ['request', 'create'], 2, /'file'.*: hasty help requests create$/],
    ['a subcommand that is none', ['types', 'puase'], 2, /Did you mean pause\?.*: hasty help types$/],
    ['a payload that is no JSON', ['create', 'moody', '{x'], 2, /JSON \(line 1, column 2: .*single quotes/],
    [
      'a payload from stdin that is no JSON',
      ['create', 'moody', '-'],
      2,
      /JSON: line 1, column 1: it ends too soon\.$/,
    ],
    ['a type that is none', ['create', 'nope'], 2, /There is no job type "nope"\. Known types: /],
    ['a type that is misspelt', ['create', 'mody'], 2, /no job type "mody"\. Did you mean "moody"\?/],
    ['a type to pause that is misspelt', ['types', 'pause', 'mody'], 3, /Did you mean "moody"\?/],
    ['an id that is none', ['get', 'nope'], 3, /No job has this id \(HTTP request \S+\)\. .*hasty list/],
    ['nobody there', ['stats', '--url', 'http://127.0.0.1:9'], 7, /did not answer.*HASTY_URL/],
    ['an address that is none', ['stats', '--url', 'localhost'], 2, /not an HTTP address.*--url/],
  ])('%s', async (_, args, code, sentence) => {
    const [result, asJson] = await Promise.all([cli(args), cli([...args, '--json'])])
    expect(result).toMatchObject({ code, stdout: '' })
    expect(result.stderr).toMatch(/^hasty: .*\n$/)
    expect(result.stderr.trimEnd()).toMatch(sentence)
    expect(asJson.code).toBe(code)
    expect(JSON.parse(asJson.stderr)).toMatchObject({ error: { exit_code: code } })
  })

  test('an object_id in its cooldown, and a job that has ended', async () => {
    const id = await makeJob('moody', '--object-id', 'cooling')
    const cooling = await cli(['create', 'moody', '--object-id', 'cooling'])
    expect(cooling).toMatchObject({ code: 4, stdout: '' })
    expect(cooling.stderr).toContain(`hasty get ${id}\n`)
    await untilJob(hasty, id, { status: 'finished' })
    const ended = await cli(['cancel', id])
    expect(ended).toMatchObject({ code: 4, stdout: '' })
    expect(ended.stderr).toContain(`hasty get ${id}\n`)
  })
})

describe('settings', () => {
  test('come from the config file where nothing else says', async () => {
    const path = join(hasty.dir, 'config.json')
    await writeFile(path, JSON.stringify({ url: hasty.url }))
    const env = { HASTY_URL: '', HASTY_CONFIG: path }
    expect(await good(['add', '--i', '1,2'], { env })).toBe('Result: 3\n')
    await writeFile(path, JSON.stringify({ uri: hasty.url }))
    expect(await cli(['stats'], { env })).toMatchObject({ code: 2, stderr: expect.stringContaining('"uri"') as string })
  })

  test('colours are there where they are wanted', async () => {
    const id = await makeJob('moody', '--delay', '1h')
    const forced = { FORCE_COLOR: '1' }
    expect(await good(['cancel', id], { env: forced })).toContain('\u001B[')
    expect(await good(['retry', id, '--no-color'], { env: forced })).not.toContain('\u001B[')
  })
})
