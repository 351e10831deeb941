import { join } from 'node:path'
import { expect } from 'vitest'
import { getFrom, postTo } from '../support/call.ts'
import type { Hasty } from '../support/hasty.ts'
import { makeJob, untilJob } from '../support/jobs.ts'

/** Where the files of the reader lie, and the server that knows the ids. */
export interface Reader {
  hasty: Pick<Hasty, 'url'>
  dir: string
}

/** What stands for something of the reader's own, by its name in the page. */
const WORDS: Record<string, string> = {
  TYPE: 'resize',
  T: 'resize',
  PAYLOAD: `'{"width": 1}'`,
  TEXT: 'because',
  COMMAND: 'cat',
  N: '2',
  VERSION: '1',
  URL: 'https://example.com/hook',
}

/** The reader's file, by the command that takes it. */
const FILES: [command: RegExp, file: string][] = [
  [/requests create/, 'order.json'],
  [/definitions put/, 'plan.json'],
  [/schedules put/, 'hourly.json'],
  [/messages send/, 'messages.ndjson'],
  [/--client-secret-file/, 'client-secret'],
]

/** Contents of the files beside those that the pages themselves show. */
export const READER_FILES: Record<string, string> = {
  'order.json': '{"steps": [{"name": "wait", "signal": "go"}]}',
  'plan.json': '{"steps": [{"name": "wait", "signal": "go"}]}',
  'shrink.sh': '#!/bin/sh\ncat\n',
  'hourly.json': '{"cron": "0 * * * *", "job": {"type": "resize"}}',
}

/** Also an id as a page shows it, of the job or the task of an example. */
const PLACEHOLDER = /(?<![$\w])(?:[A-Z]{2,}|[TN]|(?:task_)?1m[0-9A-Za-z]{23})\b(?!=)/g

/** The command with everything that its reader would put into it. Each call makes what the command needs. */
export async function fillCommand(reader: Reader, command: string): Promise<string> {
  let filled = ''
  let from = 0
  for (const match of command.matchAll(PLACEHOLDER)) {
    filled += command.slice(from, match.index) + (await valueOf(reader, command, match[0]))
    from = match.index + match[0].length
  }
  // A client can be added once; with each option it is a new one.
  const before = command.includes('add-client') ? 'rm -f clients.json; ' : ''
  return before + filled + command.slice(from)
}

async function valueOf(reader: Reader, command: string, name: string): Promise<string> {
  // The other type of the pages has a handler.
  if (name === 'TYPE' && /types (register|remove)|hasty work/.test(command)) return 'lent'
  if (name === 'FILE') return fileOf(reader, command)
  if (name === 'NAME') return command.includes('signal') ? 'go' : 'mine'
  if (name === 'KEY') return `key-${performance.now()}`
  if (name === 'N' && command.includes('--shard')) return '0'
  if (name.length > 20) return jobFor(reader, command)
  if (name === 'ID') return command.startsWith('hasty requests') ? requestFor(reader, command) : jobFor(reader, command)
  // Names of variables and of methods of HTTP stay.
  return WORDS[name] ?? name
}

function fileOf({ dir }: Reader, command: string): string {
  const [, file] = FILES.find(([pattern]) => pattern.test(command)) ?? []
  if (file === undefined) throw new Error(`no file for: ${command}`)
  return join(dir, file)
}

/** A job in the state in which the command makes sense. */
async function jobFor({ hasty }: Reader, command: string): Promise<string> {
  if (/ cancel /.test(command)) return makeJob(hasty, { delay_ms: 3_600_000 })
  const isToFail = / retry /.test(command)
  const numbers = isToFail ? [1e308, 1e308] : [1]
  const id = await makeJob(hasty, { type: 'add', payload: { numbers } })
  await untilJob(hasty, id, { status: isToFail ? 'failed' : 'finished' })
  return id
}

async function requestFor({ hasty }: Reader, command: string): Promise<string> {
  const isToFail = / retry /.test(command)
  const failing = { name: 'one', jobs: [{ name: 'a', type: 'add', payload: { numbers: [1e308, 1e308] } }] }
  const steps = [isToFail ? failing : { name: 'wait', signal: 'go' }]
  const { body } = await postTo(`${hasty.url}/v1/requests`, { steps })
  const id = String(body['request_id'])
  const status = isToFail ? 'failed' : 'inprogress'
  await expect
    .poll(async () => (await getFrom(`${hasty.url}/v1/requests/${id}`)).body['status'], { timeout: 20_000 })
    .toBe(status)
  return id
}

const OPTIONAL = / \[(--[^\]]*|[A-Z]+)\]/g
const OPTION = /--\S+(?: [^-\s]\S*)?/g

/**
 * A command of the command line as often as it has something optional: alone, and with each of its optional parts. They
 * stand in brackets, or on lines of their own below the command.
 */
export function variantsOf(command: string): string[] {
  if (!/^(npx )?hasty /.test(command)) return [command]
  const [first = '', ...below] = command
    .split('\n')
    .map((line) => line.replace(/ +#.*$/, '').replaceAll(/ \.{3}(?= |$)/g, ''))
  const bare = first.replaceAll(OPTIONAL, '')
  const options = ` ${below.join(' ')}`
  const parts = [...`${first}${options}`.matchAll(OPTIONAL)].map(([, part = '']) => part)
  const unbracketed = options.replaceAll(OPTIONAL, '').match(OPTION) ?? []
  // Nobody is at a terminal who could be asked.
  const alone = parts.includes('--yes') ? `${bare} --yes` : bare
  const others = [...parts, ...unbracketed].filter((part) => part !== '--yes')
  return [alone, ...others.map((part) => `${alone} ${part}`)]
}
