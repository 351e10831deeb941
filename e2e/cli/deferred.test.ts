import { expect, test } from 'vitest'
import { startInProcess } from '../support/hasty.ts'
import { runCli } from './run-cli.ts'

test('with no worker up a result is deferred within 5 s, and there once workers are back', async () => {
  await using hasty = await startInProcess({ apis: 2, jobs: 1, nginx: true })
  const [worker] = hasty.job
  await worker?.stop()
  const [sum, product] = await Promise.all([
    runCli(hasty.url, ['add', '--i', '1,2,3']),
    runCli(hasty.url, ['mul', '--i=1,2,3', '--json']),
  ])
  expect(sum).toMatchObject({ code: 0, stderr: '' })
  expect(sum.stdout).toMatch(/^Defered! task_\w+\n$/)
  expect(sum.firstLineMs).toBeLessThan(5_000)
  const task = sum.stdout.trim().split(' ')[1] ?? ''
  const lookup = async (uuid: string) => (await runCli(hasty.url, ['lookup', `--uuid=${uuid}`])).stdout
  expect(await lookup(task)).toBe('Status : PENDING\n')

  const deferred = JSON.parse(product.stdout) as { task: string; deferred: boolean }
  expect(deferred.deferred).toBe(true)
  expect(await runCli(hasty.url, ['cancel', deferred.task])).toMatchObject({ code: 0 })
  await worker?.restart()
  await expect.poll(() => lookup(task), { timeout: 20_000 }).toBe('Status : SUCCESS\nResult : 6\n')
  expect(await lookup(deferred.task)).toBe('Status : CANCELLED\nReason : requested\n')
})
