import { expect, test } from 'vitest'
import type { MakeRequest } from './make-request.ts'
import { OpenMakes } from './open-makes.ts'

const request = { name: 'a', body: { object_id: 'o', type: 'mail', priority: 'normal' } } as MakeRequest

test('the end of an attempt waits for what it makes, and nothing is made after it', async () => {
  const made = Promise.withResolvers<string>()
  const makes = new OpenMakes(() => made.promise)
  const making = makes.make(request)
  let isClosed = false
  const closing = makes.close().then(() => (isClosed = true))
  await expect(makes.make(request)).rejects.toThrow('makes no more jobs')
  expect(isClosed).toBe(false)
  made.resolve('job-1')
  expect(await making).toBe('job-1')
  await closing
})

test('a job that could not be made holds nothing up', async () => {
  const makes = new OpenMakes(() => Promise.reject(new Error('the broker is away')))
  await expect(makes.make(request)).rejects.toThrow('away')
  await makes.close()
})
