import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort, portError } from './free-port.ts'

const COUNT = 120

/** Prints its ports, and lives until its input ends. */
const otherProcess = `
  import { freePort } from ${JSON.stringify(join(import.meta.dirname, 'free-port.ts'))}
  const ports = await Promise.all(Array.from({ length: ${COUNT} }, () => freePort()))
  process.stdout.write(JSON.stringify(ports))
  process.stdin.resume()`

function startOther() {
  const child = spawn(process.execPath, ['--input-type=module', '-e', otherProcess], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const given = once(child.stdout, 'data').then(([data]) => JSON.parse(String(data)) as number[])
  return { given, end: () => child.stdin.end() }
}

test('a port is given once, though nobody listens on it yet, also while other processes choose theirs', async () => {
  const others = Array.from({ length: 5 }, startOther)
  const ours = await Promise.all(Array.from({ length: COUNT }, () => freePort()))
  const given = [...ours, ...(await Promise.all(others.map((other) => other.given))).flat()]
  expect(new Set(given).size).toBe(6 * COUNT)
  expect(await Promise.all(ours.map((port) => portError(port)))).toEqual(ours.map(() => undefined))
  for (const { end } of others) end()
})
