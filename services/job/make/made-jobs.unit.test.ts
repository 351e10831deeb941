import { expect, test } from 'vitest'
import { CHILDREN_MAX } from '#shared/contracts/log/limits.ts'
import { MadeJobs } from './made-jobs.ts'

const child = (name: string) => ({ name, job_id: `id-${name}`, type: 'mail' })

test('a name is made once: what earlier attempts made, what is being made, and what is made', async () => {
  const made = new MadeJobs([child('before')])
  let tries = 0
  const make = (name: string) =>
    made.once(name, () => {
      tries++
      return Promise.resolve(child(name))
    })
  expect(await Promise.all([make('before'), make('now'), make('now')])).toEqual(['before', 'now', 'now'].map(child))
  await make('now')
  expect(tries).toBe(1)
  expect(made.list()).toEqual(['before', 'now'].map(child))
})

test('a failed try is no job, and may be repeated', async () => {
  const made = new MadeJobs([])
  await expect(made.once('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away')
  expect(made.list()).toEqual([])
  await made.once('a', () => Promise.resolve(child('a')))
  expect(made.list()).toEqual([child('a')])
})

test('there is a limit, also for jobs that are made at the same time', async () => {
  const made = new MadeJobs([])
  const never = () => new Promise<never>(() => undefined)
  for (let n = 0; n < CHILDREN_MAX; n++) void made.once(`${n}`, never)
  await expect(made.once('more', never)).rejects.toMatchObject({ name: 'PermanentError' })
})
