import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { JOB_EVENTS } from '#shared/contracts/log/subjects.ts'
import { describeEvents } from './asyncapi.ts'

test('docs/asyncapi.json says what the schemas say (npm run describe-events writes it)', async () => {
  const file = join(import.meta.dirname, '../../docs/asyncapi.json')
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(describeEvents())))
})

test('every event of the log is described', () => {
  const { messages } = describeEvents()['components'] as { messages: Record<string, { name: string; summary: string }> }
  expect(
    Object.values(messages)
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual([...JOB_EVENTS].toSorted())
  for (const { summary } of Object.values(messages)) expect(summary).toEqual(expect.any(String))
})
