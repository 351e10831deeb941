// The alerts and the board speak of metrics that there are, and the alerts fire when they should.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findPromtool } from '../../scripts/servers/promtool.ts'
import { runCommand } from '../../scripts/servers/run-command.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const RULES = read('deploy/prometheus/rules.yml')
const BOARD = read('deploy/grafana/hasty.json')
const PAGE = read('docs/how-to/operate.md')

const promtool = await findPromtool().catch((error: unknown) =>
  error instanceof Error ? error : new Error(String(error)),
)
const without = promtool instanceof Error ? ` (not run: no promtool: ${promtool.message})` : ''

test.skipIf(promtool instanceof Error)(`each alert fires in its case, and is quiet in another${without}`, async () => {
  const check = async (...args: string[]) =>
    runCommand(String(promtool), args, { cwd: join(root, 'deploy/prometheus') })
  expect(await check('check', 'config', 'prometheus.yml')).toContain('18 rules found')
  expect(await check('test', 'rules', 'rules.test.yml')).toContain('SUCCESS')
})

test('each alert has a case in which it fires and one in which it does not', () => {
  const cases = read('deploy/prometheus/rules.test.yml')
  const alerts = [...RULES.matchAll(/alert: (\w+)/g)].map(([, name]) => name ?? '')
  expect(alerts.length).toBeGreaterThan(14)
  expect(alerts.filter((name) => !cases.includes(`- name: ${name} fires\n`))).toEqual([])
  // HastyOldestWaiting is the milder form of HastyOldestWaitingLong, which has the other case.
  const quiet = alerts.filter((name) => name !== 'HastyOldestWaiting')
  expect(quiet.filter((name) => !cases.includes(`- name: ${name} is quiet\n`))).toEqual([])
})

test.each([
  ['deploy/prometheus/rules.yml', RULES],
  ['deploy/grafana/hasty.json', BOARD],
])('every metric in %s is one that is exported', (_, text) => {
  const page = read('docs/metrics.md')
  const names = new Set(
    [...text.matchAll(/\bhasty_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|count|sum)$/, '')),
  )
  expect(names.size).toBeGreaterThan(10)
  expect([...names].filter((name) => !page.includes(`\`${name}\``))).toEqual([])
})

test('every alert names a situation of the page, which names the alert', () => {
  const places = new Set(
    [...PAGE.matchAll(/^## (.*)$/gm)].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-')),
  )
  for (const [, alert = '', place = ''] of RULES.matchAll(
    /alert: (\w+)[\s\S]*?runbook: docs\/how-to\/operate\.md#(\S+)/g,
  )) {
    expect(places).toContain(place)
    expect(PAGE).toContain(`\`${alert}\``)
  }
})
